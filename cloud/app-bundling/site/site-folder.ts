import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { newsFile } from './news.ts';
import { foreignFolder, type Sources } from './pages.ts';

/** Folders that hold no documentation of ours: packages, what was built, what runs leave. */
const leftOut = new Set(['node_modules', 'dist', 'data', 'cdk.out', 'coverage', 'certs', 'screenshots']);
const taken = /\.(?:md|png|jpe?g|webp|gif)$/i;
const mostFiles = 2_000;
const largestFile = 4 * 1_024 * 1_024;
/** content-aggregator writes 10 MiB at most. */
const largestNews = 16 * 1_024 * 1_024;

export interface ReadOptions {
  /** Folder that the site is written to, of which nothing is read. */
  output?: string;
  /** Told which file of others is left out, and why. */
  tell?(sentence: string): void;
}

/**
 * Markdown and pictures of a checkout, and the news: what git tracks, or all files where git does not say. Of what others
 * write, files that are too large or too many are left out.
 * @throws Error where there are more of ours than a site has, or one is larger than a page is
 */
export function readSources(root: string, { output, tell }: ReadOptions = {}): Sources {
  const sources = new Map<string, Uint8Array>();
  const isWritten = (path: string) =>
    output !== undefined && (resolve(root, path) + sep).startsWith(resolve(output) + sep);
  const files = (trackedFiles(root) ?? walk(root))
    .filter((path) => !isLeftOut(path) && !isWritten(path) && (taken.test(path) || path === newsFile))
    .toSorted();
  // Ours first: it is those of others that find no place.
  for (const path of [...files.filter((one) => !isForeign(one)), ...files.filter(isForeign)]) {
    const file = lstatSync(join(root, path), { throwIfNoEntry: false });
    // Removed, or a link, which may lead out of the checkout.
    if (file?.isFile() !== true) continue;
    const limit = path === newsFile ? largestNews : largestFile;
    const wrong =
      sources.size === mostFiles
        ? `there are more than ${mostFiles} pages and pictures`
        : file.size > limit
          ? `it has ${file.size} bytes, of at most ${limit}`
          : undefined;
    if (wrong === undefined) sources.set(path, readFileSync(join(root, path)));
    else if (isForeign(path)) tell?.(`${path} is left out: ${wrong}.`);
    else throw new Error(`${path} has no place in the site: ${wrong}.`);
  }
  return sources;
}

function isForeign(path: string): boolean {
  return path.startsWith(foreignFolder) || path === newsFile;
}

function isLeftOut(path: string): boolean {
  const parts = path.split('/');
  return parts.some((part) => part.startsWith('.') || part === 'node_modules') || leftOut.has(parts[0] ?? '');
}

/** @returns undefined where the folder is no checkout, or git is missing */
function trackedFiles(root: string): string[] | undefined {
  if (!existsSync(join(root, '.git'))) return undefined;
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], {
    ...{ cwd: root, encoding: 'utf8', timeout: 30_000, maxBuffer: 64 * 1_024 * 1_024 },
  });
  return status === 0 ? [...new Set(stdout.split('\0'))].filter((path) => path !== '') : undefined;
}

function walk(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (isLeftOut(path)) return [];
    return entry.isDirectory() ? walk(root, path) : [path];
  });
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
