import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openPromise } from 'yauzl';

/** Unpacks a zip as the nucleus does: into a folder of its name. Answers the paths of its files. */
export async function unpack(file: string, decompressedPath: string): Promise<string[]> {
  const folder = join(decompressedPath, basename(file, '.zip'));
  const paths: string[] = [];
  const archive = await openPromise(file);
  for await (const entry of archive.eachEntry()) {
    const path = join(folder, entry.fileName);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await buffer(await archive.openReadStreamPromise(entry)), { mode: 0o644 });
    paths.push(entry.fileName);
  }
  return paths;
}
