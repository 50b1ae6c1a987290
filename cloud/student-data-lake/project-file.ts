import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { ParkingReason } from './contract.ts';

export interface ProjectOptions {
  /** Gzip, as it comes from Canvas. */
  body: AsyncIterable<Uint8Array>;
  /** Bytes that the body has to have; undefined where Canvas does not say. */
  length: number | undefined;
  sourceColumns: number;
  take: readonly (number | null)[];
  /** Where the file goes; half a one may be left there. */
  path: string;
}

export type Projected =
  | { kind: 'whole'; bytes: number; rows: number }
  /** A retry may bring all of it. */
  | { kind: 'cut'; bytes: number }
  /** No retry helps. */
  | { kind: 'unusable'; reason: ParkingReason; detail: string };

/** More than any row of Canvas has. */
const longestLine = 4 * 1024 * 1024;
/** What fits into the file system of a function (512 MB) packed again. */
const largestBytes = 450 * 1024 * 1024;
/** How the catalogue's serde writes a value that there is not. */
const none = '\\N';

class Unusable extends Error {
  readonly reason: ParkingReason;

  constructor(reason: ParkingReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Writes the columns that may leave Canvas, packed again, without ever holding the file, or what may not, on disk. */
export async function projectFile(options: ProjectOptions): Promise<Projected> {
  const { body, length, path } = options;
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > largestBytes) throw new Unusable('file-too-large', `more than ${largestBytes} bytes`);
      yield chunk;
    }
  }
  const lines = projectLines(options);
  try {
    await pipeline(counted, createGunzip(), lines.transform, createGzip(), createWriteStream(path));
  } catch (error) {
    if (error instanceof Unusable) return { kind: 'unusable', reason: error.reason, detail: error.message };
    if (!isZlibError(error)) return { kind: 'cut', bytes };
    // A file that came in part looks broken as well.
    if (error.code === 'Z_BUF_ERROR' && bytes < (length ?? Infinity)) return { kind: 'cut', bytes };
    return { kind: 'unusable', reason: 'not-gzip', detail: error.message };
  }
  if (length !== undefined && bytes !== length) return { kind: 'cut', bytes };
  return { kind: 'whole', bytes, rows: lines.rows() };
}

/** Bytes as Latin-1, which keeps each as it is: tabs and line ends are ASCII in UTF-8. */
function projectLines({ sourceColumns, take }: Pick<ProjectOptions, 'sourceColumns' | 'take'>) {
  let rest = '';
  let rows = 0;
  const project = (line: string): string => {
    rows += 1;
    const values = line.split('\t');
    if (values.length !== sourceColumns) {
      throw new Unusable('column-count', `line ${rows} has ${values.length} columns, the schema ${sourceColumns}`);
    }
    return `${take.map((place) => (place === null ? none : values[place])).join('\t')}\n`;
  };
  const transform = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > longestLine) throw new Unusable('line-too-long', `line ${rows + 1} has no end`);
        done(null, Buffer.from(lines.map(project).join(''), 'latin1'));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done) {
      try {
        done(null, rest === '' ? undefined : Buffer.from(project(rest), 'latin1'));
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  return { transform, rows: () => rows };
}

function isZlibError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}
