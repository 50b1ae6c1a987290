import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { newsFile } from './news.ts';
import type { Sources } from './pages.ts';

/** Folders that hold no documentation of ours: packages, what was built, what runs leave. */
const leftOut = new Set(['node_modules', 'dist', 'data', 'cdk.out', 'coverage', 'certs', 'screenshots']);
const taken = /\.(?:md|png|jpe?g|webp|gif)$/i;
const mostFiles = 2_000;
const largestFile = 4 * 1_024 * 1_024;

/**
 * Markdown and pictures of a checkout, and the news.
 * @throws Error where there are more than a site has, or one is larger than a page is
 */
export function readSources(root: string): Sources {
  const sources = new Map<string, Uint8Array>();
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      // Neither hidden folders nor links, which may lead out of the checkout.
      if (entry.name.startsWith('.') || entry.isSymbolicLink()) continue;
      if (entry.isDirectory()) {
        const isLeftOut = folder === '' ? leftOut.has(entry.name) : entry.name === 'node_modules';
        if (!isLeftOut) walk(path);
      } else if (taken.test(entry.name) || path === newsFile) {
        if (sources.size === mostFiles) throw new Error(`${root} has more than ${mostFiles} pages and pictures.`);
        const { size } = statSync(join(root, path));
        if (size > largestFile)
          throw new Error(`${path} has ${size} bytes; a page or picture has at most ${largestFile}.`);
        sources.set(path, readFileSync(join(root, path)));
      }
    }
  };
  walk('');
  return sources;
}

/** Whether the checkout has this file or folder. */
export function existsBelow(root: string): (path: string) => boolean {
  return (path) => existsSync(join(root, path));
}

export function writeFolder(folder: string, files: ReadonlyMap<string, string | Uint8Array>): void {
  for (const [path, content] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}
