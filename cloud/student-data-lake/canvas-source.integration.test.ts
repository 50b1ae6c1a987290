import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCanvasSource } from './canvas-source.ts';
import type { Credentials } from './contract.ts';
import { credentials, startCanvas, type TestCanvas } from './test-canvas.ts';

let canvas: TestCanvas;
let sleeps: number[];

beforeEach(async () => {
  canvas = await startCanvas();
  sleeps = [];
  canvas.files = [{ table: 'user_dim', filename: 'u-1.gz', content: '1\tAnne\n' }];
  canvas.schema = { user_dim: [['id', 'bigint']] };
});

afterEach(() => canvas.stop());

const source = (own: Credentials = credentials, endpoint = canvas.endpoint) =>
  createCanvasSource({
    ...{ endpoint, credentials: async () => own, now: () => Date.UTC(2026, 0, 2), random: () => 1 },
    sleep: async (ms) => void sleeps.push(ms),
  });
const url = () => `${canvas.endpoint}/files/u-1.gz`;

test('list and schema are asked for with a signature that Canvas accepts', async () => {
  expect((await source().listFiles()).files).toEqual([
    { table: 'user_dim', filename: 'u-1.gz', url: expect.stringContaining('/files/u-1.gz') },
  ]);
  expect((await source().schema()).schema['user_dim']?.columns).toEqual([{ name: 'id', type: 'bigint' }]);
});

test('wrong credentials are told with where to look, and never what they are', async () => {
  const refused = source({ api_key: 'key-1', api_secret: 'hidden' }).listFiles();
  await expect(refused).rejects.toThrow('with 401: look at the secret of the room');
  await expect(refused).rejects.not.toThrow('hidden');
  await expect(source({ token: 'hidden' }).listFiles()).rejects.toThrow('with 401');
  expect(sleeps).toEqual([]);
});

test('a crowded server is asked again, as late as it says (throttle)', async () => {
  canvas.troubles.set('sync', [{ status: 429, retryAfter: 7 }, { status: 503 }]);
  expect((await source().listFiles()).files).toHaveLength(1);
  expect(sleeps).toEqual([7_000, 4_000]);
  canvas.troubles.set(
    'sync',
    Array.from({ length: 9 }, () => ({ status: 429, retryAfter: 9_999 })),
  );
  await expect(source().listFiles()).rejects.toThrow('GET /api/account/self/file/sync with 429, 4 times');
  expect(sleeps.slice(2)).toEqual([20_000, 20_000, 20_000]);
});

test('a file is tried for fourteen minutes in all, so that its function can still say what failed', async () => {
  canvas.troubles.set(
    'u-1.gz',
    Array.from({ length: 9 }, () => ({ status: 503 })),
  );
  let nowMs = 0;
  const waits: number[] = [];
  const slow = createCanvasSource({
    ...{ endpoint: canvas.endpoint, credentials: async () => credentials, now: () => nowMs, random: () => 1 },
    async sleep(ms) {
      waits.push(ms);
      nowMs += 7 * 60_000;
    },
  });
  await expect(slow.open(url())).rejects.toThrow();
  expect(waits).toHaveLength(2);
});

test('an address that has ended is told as such', async () => {
  canvas.troubles.set('u-1.gz', [{ status: 403 }]);
  expect(await source().open(url())).toEqual({ kind: 'expired' });
  expect(await source().open(url())).toMatchObject({ kind: 'open', file: { length: expect.any(Number) } });
});

test('a file is had from no other place than one with HTTPS, or the endpoint itself', async () => {
  await expect(source(credentials, 'https://canvas.test').open(url())).rejects.toThrow('not to be had by HTTPS');
  await expect(source().open('http://127.0.0.1:1/files/u-1.gz')).rejects.toThrow('not to be had by HTTPS');
});

test('a list that names what no file can be is refused, with where', async () => {
  canvas.files = [{ table: 'user_dim', filename: '../x', content: '' }];
  await expect(source().listFiles()).rejects.toThrow('The list of files of Canvas has changed: files.0.filename');
});
