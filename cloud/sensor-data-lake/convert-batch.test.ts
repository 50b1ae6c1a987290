import { expect, test } from 'vitest';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { largestObject } from './convert.ts';
import { convertBatch } from './convert-batch.ts';
import { line, notification, reading } from './test-messages.ts';

/** Buckets with what `objects` has; `fails` says where a port throws. */
function stage(objects: Record<string, string>, fails: (call: string) => boolean = () => false) {
  const files = new Map<string, Uint8Array>();
  const parked: ParkedRecord[] = [];
  const attempt = (call: string) => {
    if (fails(call)) throw new Error(`${call} is away`);
  };
  const ports = {
    raw: {
      async find(key: string) {
        attempt(`get ${key}`);
        const text = objects[key];
        return text === undefined ? undefined : Buffer.from(text);
      },
    },
    processed: {
      async put(key: string, bytes: Uint8Array) {
        attempt('put');
        files.set(key, bytes);
      },
    },
    parking: {
      async park(records: readonly ParkedRecord[]) {
        attempt('park');
        parked.push(...records);
      },
    },
  };
  return { ports, files, parked };
}

const objects = { 'readings/a b': `${line(reading())}\n`, 'readings/c': `${line('hello')}\n${line(reading())}\n` };
const messages = [notification('m1', 'readings/a+b'), notification('m2', 'readings/c')];

test('each object that S3 tells of is converted, and its poison parked', async () => {
  const { ports, files, parked } = stage(objects);
  expect(await convertBatch(messages, {}, ports)).toMatchObject({
    ...{ samples: 4, files: 2, batchItemFailures: [], errors: [], newestMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678) },
  });
  expect(files.size).toBe(2);
  expect(parked).toMatchObject([{ id: 'readings/c:1', reason: 'not-json' }]);
});

test('an object that cannot be read comes again alone (partial failure)', async () => {
  const { ports, files } = stage(objects, (call) => call === 'get readings/a b');
  const { batchItemFailures, errors } = await convertBatch(messages, {}, ports);
  expect(batchItemFailures).toEqual([{ itemIdentifier: 'm1' }]);
  expect(errors).toEqual([new Error('get readings/a b is away')]);
  expect(files.size).toBe(1);
});

test('while no file can be written nothing is parked, and all comes again (throttle)', async () => {
  const { ports, parked } = stage(objects, (call) => call === 'put');
  const { batchItemFailures } = await convertBatch(messages, {}, ports);
  expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['m1', 'm2']);
  expect(parked).toEqual([]);
});

test('what cannot be parked comes again', async () => {
  const { ports } = stage(objects, (call) => call === 'park');
  expect((await convertBatch(messages, {}, ports)).batchItemFailures).toHaveLength(2);
});

test('a message that is no notification, and an object that is too large, are parked; a test event is nothing', async () => {
  const { ports, parked, files } = stage({});
  const others = [
    { messageId: 'm1', body: 'hello' },
    { messageId: 'm2', body: JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'raw' }) },
    notification('m3', 'readings/large', largestObject + 1),
  ];
  expect((await convertBatch(others, {}, ports)).batchItemFailures).toEqual([]);
  expect(parked).toMatchObject([
    { id: 'm1', reason: 'not-a-notification', bytes: Buffer.from('hello') },
    { id: 'readings/large', reason: 'object-too-large' },
  ]);
  expect(files.size).toBe(0);
});

test('an object that is not there any more is parked, as no retry brings it back', async () => {
  const { ports, parked } = stage({});
  expect(await convertBatch([notification('m1', 'readings/gone')], {}, ports)).toMatchObject({
    ...{ batchItemFailures: [], errors: [] },
  });
  expect(parked).toMatchObject([{ id: 'readings/gone', reason: 'object-missing' }]);
});
