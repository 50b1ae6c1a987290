import { expect, test } from 'vitest';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Opened } from './canvas-source.ts';
import type { FileToFetch } from './contract.ts';
import { fetchFile } from './fetch-file.ts';
import type { Projected } from './project-file.ts';

const file: FileToFetch = {
  ...{ url: 'https://canvas.test/old', table: 'user_dim', filename: 'u.gz', key: 'raw_files/user_dim/u.gz' },
  ...{ sourceColumns: 2, take: [0] },
};
const whole: Projected = { kind: 'whole', bytes: 10, rows: 2 };
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A Canvas whose addresses in `ended` have ended, and that lists `listedUrl`. */
function stage({
  ended = [] as string[],
  listedUrl = 'https://canvas.test/new',
  projected = whole,
  lists = true,
} = {}) {
  const calls: string[] = [];
  const parked: ParkedRecord[] = [];
  return {
    calls,
    parked,
    ports: {
      source: {
        async listFiles() {
          calls.push('list');
          return { incomplete: false, files: lists ? [{ table: 'user_dim', filename: 'u.gz', url: listedUrl }] : [] };
        },
        async open(url: string): Promise<Opened> {
          calls.push(`open ${new URL(url).pathname}`);
          return ended.includes(url) ? { kind: 'expired' } : { kind: 'open', file: { body: nothing(), length: 10 } };
        },
      },
      scratch: {
        write: async () => projected,
        store: async (key: string) => void calls.push(`store ${key}`),
        remove: async () => void calls.push('remove'),
      },
      parking: { park: async (records: readonly ParkedRecord[]) => void parked.push(...records) },
    },
  };
}

test('a file is stored once all of it is there', async () => {
  const { ports, calls } = stage();
  expect(await fetchFile(file, ports)).toEqual({ kind: 'stored', bytes: 10, rows: 2 });
  expect(calls).toEqual(['open /old', 'store raw_files/user_dim/u.gz', 'remove']);
});

test('an address that has ended is replaced by a new one, once (expired URL)', async () => {
  const { ports, calls } = stage({ ended: [file.url] });
  expect(await fetchFile(file, ports)).toMatchObject({ kind: 'stored' });
  expect(calls.slice(0, 3)).toEqual(['open /old', 'list', 'open /new']);
  const again = stage({ ended: [file.url, 'https://canvas.test/new'] });
  await expect(fetchFile(file, again.ports)).rejects.toThrow('refuses the address that it has just given');
});

test('a file that is not listed any more is gone', async () => {
  const { ports } = stage({ ended: [file.url], lists: false });
  expect(await fetchFile(file, ports)).toEqual({ kind: 'gone' });
});

test('a file that did not come whole is not stored (partial failure)', async () => {
  const { ports, calls } = stage({ projected: { kind: 'cut', bytes: 4 } });
  await expect(fetchFile(file, ports)).rejects.toThrow('raw_files/user_dim/u.gz: 4 of 10 bytes came.');
  expect(calls).toEqual(['open /old', 'remove']);
});

test('a file that can never be used is parked by its name alone (poison)', async () => {
  const { ports, parked, calls } = stage({
    projected: { kind: 'unusable', reason: 'column-count', detail: 'line 1 has 3 columns' },
  });
  expect(await fetchFile(file, ports)).toMatchObject({ kind: 'parked' });
  expect(parked).toMatchObject([{ id: file.key, reason: 'column-count', detail: 'line 1 has 3 columns' }]);
  expect(Buffer.from(parked[0]?.bytes ?? []).toString()).toBe('{"table":"user_dim","filename":"u.gz"}');
  expect(calls).toEqual(['open /old', 'remove']);
});
