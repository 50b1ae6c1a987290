import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** Files of a package by their path; folders follow from the paths. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** In local time, since a ZIP knows no other. */
const fixedTime = () => new Date(2000, 0, 1);
/** A regular file that all may read and nobody needs to execute: steps name their interpreter. */
const fixedMode = 0o100644;

/** A ZIP whose bytes depend on nothing but the names and contents of its files. */
export async function zip(files: Files): Promise<Uint8Array> {
  const archive = new ZipFile();
  const entries = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  for (const [path, bytes] of entries) {
    archive.addBuffer(Buffer.from(bytes), path, {
      // Level 9 takes twice as long for 1 %.
      ...{ mtime: fixedTime(), forceDosTimestamp: true, mode: fixedMode },
      compressionLevel: 6,
    });
  }
  archive.end();
  return await buffer(archive.outputStream);
}
