import type { ParkedRecord } from '../shared/parked-record.ts';
import type { CanvasSource, OpenFile } from './canvas-source.ts';
import type { FileToFetch } from './contract.ts';
import type { Projected } from './project-file.ts';

export interface FetchPorts {
  source: Pick<CanvasSource, 'listFiles' | 'open'>;
  /** Writes the columns that may leave Canvas to a file of its own, and forgets it again. */
  scratch: {
    write(file: OpenFile, columns: Pick<FileToFetch, 'sourceColumns' | 'take'>): Promise<Projected>;
    /** Puts what was written under the key. @throws what a retry may cure */
    store(key: string): Promise<void>;
    remove(): Promise<void>;
  };
  /** @throws what a retry may cure */
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export type FetchResult =
  | { kind: 'stored'; bytes: number; rows: number }
  /** The list does not have it any more: the next pull has what came in its place. */
  | { kind: 'gone' }
  | { kind: 'parked'; record: ParkedRecord };

/** The file did not come whole, or its address ended again and again. A retry may bring it. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/**
 * One file of the manifest into the bucket: nothing is put before all of it is there. A signed URL that has ended is
 * replaced once, by a new list.
 * @throws FileError, SourceError and what a port throws: a retry may help
 */
export async function fetchFile(file: FileToFetch, { source, scratch, parking }: FetchPorts): Promise<FetchResult> {
  const { table, filename, key, sourceColumns, take } = file;
  let opened = await source.open(file.url);
  if (opened.kind === 'expired') {
    const { files } = await source.listFiles();
    const fresh = files.find((one) => one.table === table && one.filename === filename);
    if (fresh === undefined) return { kind: 'gone' };
    opened = await source.open(fresh.url);
    if (opened.kind === 'expired') throw new FileError(`${key}: Canvas refuses the address that it has just given.`);
  }
  try {
    const projected = await scratch.write(opened.file, { sourceColumns, take });
    if (projected.kind === 'cut') {
      throw new FileError(`${key}: ${projected.bytes} of ${opened.file.length ?? 'unknown'} bytes came.`);
    }
    if (projected.kind === 'unusable') {
      const { reason, detail } = projected;
      // Not the bytes: they have columns that may not leave Canvas.
      const bytes = Buffer.from(JSON.stringify({ table, filename }));
      const record = { id: key, reason, detail, bytes };
      await parking.park([record]);
      return { kind: 'parked', record };
    }
    await scratch.store(key);
    return { kind: 'stored', bytes: projected.bytes, rows: projected.rows };
  } finally {
    await scratch.remove();
  }
}
