import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGitHubContents, type TestGitHub, type Trouble } from '../testing/github-contents.ts';
import type { ContentItem } from './contract.ts';
import { createGitHubContents, type GitHubDeps } from './github-contents.ts';
import { saveContent } from './save-content.ts';

const [repo, path, token] = ['example/site', 'frontend/content.json', 'github_pat_test'];
const item = (at: number): ContentItem => ({
  ...{ title: `Größe ${at}`, intro: '', author: '', date: `Nov ${at}, 2026`, link: `https://a.example/${at}` },
  ...{ image: '', tags: [] },
});
let server: TestGitHub;
let waits: number[];

beforeEach(async () => {
  server = await startGitHubContents({ repo, token });
  waits = [];
});
afterEach(() => server.stop());

function gitHub(more: Partial<GitHubDeps> = {}) {
  return createGitHubContents({
    ...{ endpoint: server.endpoint, repo, path, largestBytes: 3 * 1024 * 1024, token: async () => token },
    ...{ now: () => 1_000_000, sleep: async (ms) => void waits.push(ms), untilMs: 1_080_000, ...more },
  });
}
const show = async () => JSON.parse(await server.git(['show', `main:${path}`]));
const commits = async () => (await server.git(['log', '--format=%s', 'main'])).split('\n');
const troubles = (method: 'GET' | 'PUT', ...list: Trouble[]) => server.troubles.set(method, list);
const answers = (status: number, headers: Record<string, string> = {}): Trouble => ({
  kind: 'answer',
  status,
  headers,
});

test('a file that is not there is made by a commit, and read as it is in the repository', async () => {
  const github = gitHub();
  expect(await github.read()).toBeUndefined();
  const { commitSha, added } = await saveContent([item(1)], github);
  expect([commitSha, added]).toEqual([await server.git(['rev-parse', 'main']), 1]);
  expect(await show()).toEqual([item(1)]);
  expect(await github.read()).toMatchObject({ sha: await server.git(['rev-parse', `main:${path}`]) });
  expect(await github.lastCommit()).toBe(commitSha);
});

test('a file of more than a megabyte is read by its blob, and one of more than the bound is refused', async () => {
  await server.commit(path, `\uFEFF${JSON.stringify([{ text: 'x'.repeat(2_000_000) }])}`);
  await saveContent([item(1)], gitHub());
  expect(server.requests).toContainEqual(expect.stringContaining('/git/blobs/'));
  expect(await show()).toHaveLength(2);
  await expect(gitHub({ largestBytes: 1_000 }).read()).rejects.toMatchObject({ name: 'ContentUnusable' });
});

test('a commit of somebody else between reading and writing is merged, not lost', async () => {
  await server.commit(path, '[]');
  troubles('PUT', { kind: 'meanwhile', work: async () => void (await server.commit(path, JSON.stringify([item(9)]))) });
  expect(await saveContent([item(1)], gitHub())).toMatchObject({ added: 1 });
  expect(await show()).toEqual([item(9), item(1)]);
  expect(await commits()).toEqual(['Updated content file', 'By somebody else', 'By somebody else']);
});

test('a file that somebody else makes between looking and writing is merged too', async () => {
  troubles('PUT', { kind: 'meanwhile', work: async () => void (await server.commit(path, JSON.stringify([item(9)]))) });
  await saveContent([item(1)], gitHub());
  expect(await show()).toEqual([item(9), item(1)]);
});

test('a write whose answer was lost is done once, and its commit is told (partial failure)', async () => {
  await server.commit(path, '[]');
  troubles('PUT', { kind: 'lost' });
  const { commitSha } = await saveContent([item(1)], gitHub());
  expect(await show()).toEqual([item(1)]);
  expect(await commits()).toEqual(['Updated content file', 'By somebody else']);
  expect(commitSha).toBe(await server.git(['rev-parse', 'main']));
});

test('a limit of GitHub is waited for as long as it says, up to a bound (throttle)', async () => {
  const limit = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1012' };
  troubles('GET', answers(429, { 'retry-after': '7' }), answers(403, limit));
  expect(await gitHub().read()).toBeUndefined();
  expect(waits).toEqual([7_000, 12_000]);
  troubles('GET', answers(429, { 'retry-after': '40' }));
  await expect(gitHub().read()).rejects.toMatchObject({
    name: 'Unavailable',
    message: expect.stringContaining('40 s'),
  });
  troubles('GET', answers(429, { 'retry-after': '7' }));
  await expect(gitHub({ untilMs: 1_005_000 }).read()).rejects.toMatchObject({ name: 'Unavailable' });
  expect(waits).toHaveLength(2);
});

test('a broken GitHub is asked three times', async () => {
  troubles('GET', answers(502), answers(500));
  expect(await gitHub().read()).toBeUndefined();
  troubles('GET', answers(503), answers(503), answers(503), answers(503));
  await expect(gitHub().read()).rejects.toMatchObject({ name: 'Unavailable' });
  expect(waits).toEqual([1_000, 2_000, 1_000, 2_000]);
  await expect(gitHub({ endpoint: 'http://127.0.0.1:1' }).read()).rejects.toMatchObject({ name: 'Unavailable' });
});

test('a protected branch is refused at once, and not taken for a file that somebody has changed', async () => {
  await server.commit(path, '[]');
  server.isProtected = true;
  await expect(saveContent([item(1)], gitHub())).rejects.toMatchObject({
    name: 'GitHubRefused',
    message: expect.stringContaining('approving review'),
  });
  expect(server.requests.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
});

test('what only a person can change is refused, with what to do and without the token', async () => {
  const wrong = gitHub({ token: async () => 'github_pat_wrong' });
  await expect(wrong.read()).rejects.toMatchObject({
    name: 'GitHubRefused',
    message: expect.stringContaining('valid'),
  });
  for (const status of [301, 403, 404, 422]) {
    troubles('PUT', answers(status, status === 301 ? { location: 'http://127.0.0.1:1/' } : {}));
    const refused = await saveContent([item(1)], gitHub()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'GitHubRefused' });
    expect(String(refused)).not.toContain(token);
  }
  expect(waits).toEqual([]);
});
