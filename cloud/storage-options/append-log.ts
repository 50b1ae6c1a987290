import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface LogEntry {
  /** The same when it is appended again. */
  id: string;
  text: string;
}

export interface KeptEntry extends LogEntry {
  atMs: number;
}

/**
 * A log in a folder that many writers share, as NFS has it: there no two can append to one file, as each sets its own end
 * of it. So each writer has files of its own, `<day>/<writer>-<part>.ndjson`, and a reader puts them together.
 *
 * | what happens | then |
 * |---|---|
 * | a file is full, or an append failed | the writer goes on in its next part |
 * | a line was cut | readers leave it out and count it; its entry was not acknowledged and is appended again |
 * | an entry is appended twice | readers show the first, by its id |
 * | a day is older than those that are kept | its folder is removed by the first writer of a new day |
 */
export interface AppendLog {
  /**
   * Returns once the entries are on disk, all of them.
   * @throws the error of the file system; then any of them may be there
   */
  append(entries: readonly LogEntry[]): Promise<void>;
}

export interface AppendLogSettings {
  folder: string;
  /** Name of this writer, which no other has: letters and digits. */
  writer: string;
  /** A file is not begun anew below it. */
  partBytes: number;
  keptDays: number;
  now: () => number;
}

const dayMs = 86_400_000;
const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const dayName = /^\d{4}-\d\d-\d\d$/;
const partName = /^[A-Za-z0-9]+-\d+\.ndjson$/;

export function createAppendLog({ folder, writer, partBytes, keptDays, now }: AppendLogSettings): AppendLog {
  let today = '';
  let part = 0;

  async function begin(atMs: number): Promise<void> {
    const day = dayOf(atMs);
    if (day === today) return;
    await mkdir(join(folder, day), { recursive: true });
    const first = dayOf(atMs - keptDays * dayMs);
    for (const name of await readdir(folder)) {
      if (dayName.test(name) && name < first) await rm(join(folder, name), { recursive: true, force: true });
    }
    [today, part] = [day, 0];
  }

  return {
    async append(entries) {
      const atMs = now();
      await begin(atMs);
      const lines = entries
        .map(({ id, text }) => `${JSON.stringify({ id, text, atMs } satisfies KeptEntry)}\n`)
        .join('');
      const path = () => join(folder, today, `${writer}-${part}.ndjson`);
      if (((await stat(path()).catch(() => undefined))?.size ?? 0) >= partBytes) part += 1;
      const file = await open(path(), 'a', 0o600);
      try {
        await file.writeFile(lines);
        await file.datasync();
      } catch (error) {
        // What it left may be half a line, and the next line must not go on in it.
        part += 1;
        throw error;
      } finally {
        await file.close();
      }
    },
  };
}

export interface DayOfLog {
  /** By time, and those of one instant as they were written. */
  entries: KeptEntry[];
  /** Lines that are none. */
  unreadable: number;
  /** Whether there is more than was asked for, or than is read. */
  more: boolean;
}

/** Read of one day at most; a function's memory has an end. */
const mostBytes = 64_000_000;

/** Of an answer in JSON: Lambda gives 6 MB. */
const mostAnswered = 5_000_000;

/** Entries of a day, of all writers, in order; fewer than asked for where they would be too large. @param after so many are passed over */
export async function readDay(
  folder: string,
  day: string,
  { limit, after = 0 }: { limit: number; after?: number },
): Promise<DayOfLog> {
  const names = await readdir(join(folder, day)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = new Map<string, KeptEntry>();
  let [left, unreadable] = [mostBytes, 0];
  for (const name of names.filter((one) => partName.test(one)).toSorted()) {
    const file = await open(join(folder, day, name));
    try {
      left -= (await file.stat()).size;
      if (left < 0) break;
      for await (const line of file.readLines()) {
        const entry = entryOf(line);
        if (entry === undefined) unreadable += 1;
        else if (entry.atMs < (found.get(entry.id)?.atMs ?? Number.POSITIVE_INFINITY)) found.set(entry.id, entry);
      }
    } finally {
      await file.close();
    }
  }
  const entries = [...found.values()].toSorted((a, b) => a.atMs - b.atMs);
  const answered: KeptEntry[] = [];
  let bytes = 0;
  for (const entry of entries.slice(after, after + limit)) {
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (bytes > mostAnswered) break;
    answered.push(entry);
  }
  return { entries: answered, unreadable, more: entries.length > after + answered.length || left < 0 };
}

function entryOf(line: string): KeptEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('id' in value && 'text' in value && 'atMs' in value)) return undefined;
    const { id, text, atMs } = value;
    if (typeof id !== 'string' || typeof text !== 'string' || typeof atMs !== 'number') return undefined;
    return { id, text, atMs };
  } catch {
    return undefined;
  }
}
