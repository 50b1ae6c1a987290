import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readSources, writeFolder } from './site-folder.ts';

function folder(files: Record<string, string | Uint8Array>): string {
  const root = mkdtempSync(join(tmpdir(), 'greengrass-itsm-site-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFolder(root, new Map(Object.entries(files)));
  return root;
}

const mebibytes = (count: number) => Buffer.alloc(count * 1_024 * 1_024, ' ');

test('of a checkout the site has what git tracks and what is there', () => {
  const root = folder({ 'README.md': '# a', 'gone.md': '', 'content/b.md': '', 'code.ts': '' });
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root });
  git('init', '-q');
  git('add', '.');
  writeFolder(root, new Map([['draft.md', '']]));
  rmSync(join(root, 'gone.md'));
  expect([...readSources(root).keys()]).toEqual(['README.md', 'content/b.md']);
});

test('of a folder it has all but packages, what was built, what is hidden, and the site itself', () => {
  const files = { 'README.md': '', 'a/node_modules/b.md': '', 'dist/c.md': '', '.d/e.md': '', 'out/site/f.png': '' };
  const root = folder({ ...files, 'out/sitemap.md': '' });
  expect([...readSources(root, { output: join(root, 'out/site') }).keys()]).toEqual(['README.md', 'out/sitemap.md']);
});

test('a file of others that is too large is left out and named, one of ours fails; the news have more room', () => {
  const told: string[] = [];
  const news = { 'frontend/content.json': mebibytes(10) };
  const root = folder({ 'README.md': '', 'content/a.md': mebibytes(5), ...news });
  const sources = readSources(root, { tell: (sentence) => told.push(sentence) });
  expect([...sources.keys()]).toEqual(['README.md', 'frontend/content.json']);
  expect(told).toEqual(['content/a.md is left out: it has 5242880 bytes, of at most 4194304.']);
  expect(() => readSources(folder({ 'a.md': mebibytes(5) }))).toThrow('a.md has no place in the site: it has 5242880');
});

test('what is of others and too many is left out and named', () => {
  const told: string[] = [];
  const names = Array.from({ length: 2_000 }, (_, place) => `content/${String(place).padStart(4, '0')}.md`);
  const root = folder({ ...Object.fromEntries(names.map((name) => [name, ''])), 'z.md': '' });
  const sources = readSources(root, { tell: (sentence) => told.push(sentence) });
  expect(sources.has('z.md')).toBe(true);
  expect(told).toEqual(['content/1999.md is left out: there are more than 2000 pages and pictures.']);
});
