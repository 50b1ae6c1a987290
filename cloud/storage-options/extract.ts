import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise } from 'yauzl';

/** What an archive may hold; a bound for whatever its author wrote into it. */
export interface ExtractLimits {
  /** Files, and folders that are made for them, whether they have an entry or not. */
  entries: number;
  /** Of all files together, unpacked. */
  totalBytes: number;
}

/** Why an archive is not taken, as a whole. */
export type ExtractRefusal =
  | 'NOT_A_ZIP'
  | 'TOO_MANY_ENTRIES'
  | 'TOO_MANY_BYTES'
  /** A name that leads out of the folder, or a link, which could. */
  | 'PATH_OUTSIDE'
  /** Two entries of one name, or a file where another needs a folder. */
  | 'NAME_TWICE'
  /** Encrypted, or packed by a method that is not known. */
  | 'UNREADABLE_ENTRY'
  /** Other bytes than its directory says. */
  | 'CORRUPT_ENTRY';

export interface ExtractedFile {
  /** Relative, with slashes. */
  name: string;
  bytes: number;
}

export type Extracted =
  | { ok: true; files: ExtractedFile[]; folders: number }
  | { ok: false; reason: ExtractRefusal; detail: string };

class Refused extends Error {
  readonly reason: ExtractRefusal;

  constructor(reason: ExtractRefusal, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Folders in folders. */
const deepest = 20;
const fileTypeMask = 0o170_000;
const linkType = 0o120_000;
const ordinary = /^[^\p{Cc}\\:]{1,400}$/u;

/**
 * Unpacks an archive into an empty folder. The first entry that is not taken ends it; what was written until then is left to the
 * caller, who removes the folder.
 * @throws Error where the disk does not take it
 */
export async function extract(archive: string, folder: string, limits: ExtractLimits): Promise<Extracted> {
  try {
    return { ok: true, ...(await unpack(archive, folder, limits)) };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason, detail: error.message.slice(0, 500) };
    throw error;
  }
}

async function unpack(archive: string, folder: string, limits: ExtractLimits) {
  const zip = await openPromise(archive).catch((error: Error) => {
    if ('code' in error) throw error;
    throw new Refused('NOT_A_ZIP', error.message);
  });
  const files: ExtractedFile[] = [];
  const folders = new Set<string>();
  let left = limits.totalBytes;
  let entries = 0;
  /** One more thing on the disk. */
  const count = () => {
    entries += 1;
    if (entries > limits.entries) {
      throw new Refused('TOO_MANY_ENTRIES', `It has more than ${limits.entries} files and folders.`);
    }
  };
  /** Makes a folder and those above it, each of which counts once. */
  async function makeFolder(path: string, entry: Entry): Promise<void> {
    const parts = relative(folder, path)
      .split(sep)
      .filter((part) => part !== '');
    if (parts.length > deepest)
      throw new Refused('TOO_MANY_ENTRIES', `${entry.fileName} lies deeper than ${deepest} folders.`);
    for (const depth of parts.keys()) {
      const made = parts.slice(0, depth + 1).join(sep);
      if (folders.has(made)) continue;
      count();
      folders.add(made);
    }
    await mkdir(path, { recursive: true }).catch(nameTwice(entry));
  }
  try {
    // Written one after the other, so that no more than one is on its way.
    for (;;) {
      const entry = await nextOf(zip);
      if (entry === undefined) return { files, folders: folders.size };
      const path = pathOf(entry, folder);
      if (entry.fileName.endsWith('/')) {
        // Also where it is there: what is read is bounded as well.
        if (folders.has(relative(folder, path))) count();
        await makeFolder(path, entry);
        continue;
      }
      // What it says of itself, so that a bomb is seen before it is unpacked. One that says less ends with an error of yauzl, which
      // counts what comes and lets no more through than was said.
      if (entry.uncompressedSize > left) {
        throw new Refused('TOO_MANY_BYTES', `Unpacked it has more than ${limits.totalBytes} bytes.`);
      }
      await makeFolder(dirname(path), entry);
      count();
      await write(zip, entry, path).catch(asRefusal(entry));
      left -= entry.uncompressedSize;
      files.push({ name: entry.fileName, bytes: entry.uncompressedSize });
    }
  } finally {
    zip.close();
  }
}

type Zip = Awaited<ReturnType<typeof openPromise>>;

async function nextOf(zip: Zip): Promise<Entry | undefined> {
  const found = await new Promise<Entry | undefined>((done, failed) => {
    const listeners = { entry: done, end: () => done(undefined), error: failed };
    for (const [event, listener] of Object.entries(listeners)) zip.once(event, listener);
    zip.readEntry();
  }).catch((error: Error) => {
    // yauzl itself refuses absolute names and those with `..`.
    const outside = /absolute path|invalid relative path|invalid characters/.test(error.message);
    throw new Refused(outside ? 'PATH_OUTSIDE' : 'NOT_A_ZIP', error.message);
  });
  for (const event of ['entry', 'end', 'error']) zip.removeAllListeners(event);
  return found;
}

/** Where an entry goes: below the folder, whatever its name says. */
function pathOf({ fileName, externalFileAttributes }: Entry, folder: string): string {
  const path = resolve(folder, fileName);
  const isLink = ((externalFileAttributes >>> 16) & fileTypeMask) === linkType;
  if (isLink || !ordinary.test(fileName) || !path.startsWith(resolve(folder) + sep)) {
    throw new Refused(
      'PATH_OUTSIDE',
      `${JSON.stringify(fileName.slice(0, 200))} is no name of a file below the folder.`,
    );
  }
  return path;
}

async function write(zip: Zip, entry: Entry, path: string): Promise<void> {
  if (!entry.canDecodeFileData()) throw new Refused('UNREADABLE_ENTRY', `${entry.fileName} cannot be unpacked.`);
  let sum = 0;
  const summed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
  });
  // `wx`: whatever is there already is not written into, be it a file or a link.
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await pipeline(await zip.openReadStreamPromise(entry), summed, file);
  if (sum !== entry.crc32) throw new Refused('CORRUPT_ENTRY', `${entry.fileName} has another checksum than it says.`);
}

const taken = ['EEXIST', 'ENOTDIR', 'EISDIR'];

function nameTwice({ fileName }: Entry) {
  return (error: NodeJS.ErrnoException): never => {
    if (!taken.includes(error.code ?? '')) throw error;
    throw new Refused('NAME_TWICE', `${fileName} is there already.`);
  };
}

function asRefusal(entry: Entry) {
  return (error: NodeJS.ErrnoException): never => {
    if (error instanceof Refused) throw error;
    if (taken.includes(error.code ?? '')) nameTwice(entry)(error);
    // Of the disk, else of the archive: those of zlib have codes of their own.
    if (error.code !== undefined && !error.code.startsWith('Z_')) throw error;
    throw new Refused('CORRUPT_ENTRY', `${entry.fileName}: ${error.message}`);
  };
}
