import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExtractedFile, type ExtractLimits, type ExtractRefusal, extract } from './extract.ts';

/**
 * Unpacked archives in the function's own file system, for as long as its environment is warm.
 *
 * | state of an archive | on disk | on `unzip` |
 * |---|---|---|
 * | unknown | nothing | fetched and unpacked into a folder `.new-…`, renamed once it is whole |
 * | unpacked | its folder, and the list of its files here | used again; it is the youngest now |
 * | refused | nothing | fetched again: nobody keeps what cannot be used |
 *
 * The oldest go before the new one would not fit. What a run left that was ended in its middle goes with the first call.
 */
export interface UnzipCache {
  /**
   * @param version of the object: another one is another archive
   * @param fetchTo writes the archive to a path
   * @throws the error of `fetchTo`, or of the disk
   */
  unzip(key: string, version: string, fetchTo: (path: string) => Promise<void>): Promise<Unzipped>;
}

export type Unzipped =
  | { ok: true; folder: string; files: readonly ExtractedFile[]; reused: boolean; removed: number }
  | { ok: false; reason: ExtractRefusal; detail: string };

export interface UnzipCacheSettings {
  /** Of which nobody else keeps anything. */
  folder: string;
  limits: ExtractLimits;
  /** Of all archives that are kept, in whole blocks of the disk; at least as much as one may have. */
  keptBytes: number;
}

/** What a file or a folder takes at least, bytes, so that those without any content have an end as well. */
const block = 4_096;
const onDisk = (bytes: number): number => Math.max(1, Math.ceil(bytes / block)) * block;

interface Kept {
  files: readonly ExtractedFile[];
  bytes: number;
}

export function createUnzipCache({ folder, limits, keptBytes }: UnzipCacheSettings): UnzipCache {
  /** By name of their folder, the one that was used last at the end. */
  const kept = new Map<string, Kept>();
  let swept = false;

  /** Folders that this cache does not know: of a process that has ended. */
  async function sweep(): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    swept = true;
  }

  async function makeRoom(bytes: number): Promise<number> {
    let removed = 0;
    let used = [...kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    for (const [name, one] of kept) {
      if (used + bytes <= keptBytes) break;
      await rm(join(folder, name), { recursive: true, force: true });
      kept.delete(name);
      used -= one.bytes;
      removed += 1;
    }
    return removed;
  }

  return {
    async unzip(key, version, fetchTo) {
      if (!swept) await sweep();
      const name = createHash('sha256').update(`${key}\n${version}`).digest('hex');
      const path = join(folder, name);
      const known = kept.get(name);
      // Somebody may have emptied the file system: nobody promises what is in it.
      if (known !== undefined && (await exists(path))) {
        kept.delete(name);
        kept.set(name, known);
        return { ok: true, folder: path, files: known.files, reused: true, removed: 0 };
      }
      kept.delete(name);
      // What it may have at most has to fit beside what stays.
      const removed = await makeRoom(limits.totalBytes + limits.entries * block);
      const unfinished = join(folder, `.new-${randomUUID()}`);
      const archive = `${unfinished}.zip`;
      try {
        await mkdir(unfinished);
        await fetchTo(archive);
        const extracted = await extract(archive, unfinished, limits);
        if (!extracted.ok) return extracted;
        await rm(path, { recursive: true, force: true });
        await rename(unfinished, path);
        const bytes = extracted.files.reduce((sum, file) => sum + onDisk(file.bytes), extracted.folders * block);
        kept.set(name, { files: extracted.files, bytes });
        return { ok: true, folder: path, files: extracted.files, reused: false, removed };
      } finally {
        await rm(archive, { force: true });
        await rm(unfinished, { recursive: true, force: true });
      }
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
