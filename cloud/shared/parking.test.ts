import { SQSClient } from '@aws-sdk/client-sqs';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { fakeAws } from '../testing/fake-aws.ts';
import type { ParkedRecord } from './parked-record.ts';
import { createParking } from './parking.aws.ts';

const entry = z.object({ MessageBody: z.string(), MessageGroupId: z.string(), MessageDeduplicationId: z.string() });
const inputSchema = z.object({ QueueUrl: z.string(), Entries: z.array(entry) });
const bodySchema = z.object({
  id: z.string(),
  reason: z.string(),
  data: z.string(),
  size: z.number(),
  sha256: z.string(),
});
type Entry = z.infer<typeof entry>;

function stage(failed: (request: number) => unknown[] = () => []) {
  const requests: Entry[][] = [];
  const sqs = new SQSClient({
    ...fakeAws(({ input }) => {
      requests.push(inputSchema.parse(input).Entries);
      return { Failed: failed(requests.length), Successful: [] };
    }),
    // The fake answers no digests.
    md5: false,
    useQueueUrlAsEndpoint: false,
  });
  return { parking: createParking(sqs, 'https://sqs.eu-west-1.amazonaws.com/123456789012/parking.fifo'), requests };
}

const record = (id: string, bytes: Uint8Array = Buffer.from('hello')): ParkedRecord => ({
  ...{ id, bytes, reason: 'not-a-reading', detail: 'neither JSON nor value|timestamp' },
});

test('a record is parked with its reason and its bytes', async () => {
  const { parking, requests } = stage();
  await parking.park([record('shard:1', Uint8Array.from([0xff, 0x00]))]);
  expect(JSON.parse(requests[0]?.[0]?.MessageBody ?? '')).toEqual({
    ...{ id: 'shard:1', reason: 'not-a-reading', detail: 'neither JSON nor value|timestamp', size: 2, data: '/wA=' },
    sha256: 'ea5dbf9596d187e9500f23e9a680109475341cf4e81f7e043f7d97152c10772f',
  });
});

test('what SQS does not take stands escaped, so that no sender keeps its own record, and others, from being parked', async () => {
  const { parking, requests } = stage();
  const hostile = 'a\u0000\u001f\ud800\ufffe\uffff';
  await parking.park([{ ...record(hostile), detail: hostile }]);
  const text = requests[0]?.[0]?.MessageBody ?? '';
  expect(text).toMatch(/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u);
  expect(JSON.parse(text)).toMatchObject({ id: hostile, detail: hostile });
});

test('the same record goes under the same deduplication id, another one under another', async () => {
  const { parking, requests } = stage();
  await parking.park([record('shard:1')]);
  await parking.park([record('shard:1'), record('shard:2')]);
  const ids = requests.flat().map(({ MessageDeduplicationId }) => MessageDeduplicationId);
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
});

test('many records go in requests of ten, and large ones in requests of at most a megabyte', async () => {
  const { parking, requests } = stage();
  await parking.park(Array.from({ length: 23 }, (_, index) => record(`shard:${index}`)));
  expect(requests.map((entries) => entries.length)).toEqual([10, 10, 3]);
  await parking.park(Array.from({ length: 3 }, (_, index) => record(`shard:${index}`, new Uint8Array(300_000))));
  expect(requests.slice(3).map((entries) => entries.length)).toEqual([2, 1]);
});

test('of a record larger than a message its beginning is parked, with size and digest of the whole', async () => {
  const { parking, requests } = stage();
  await parking.park([record('shard:1', new Uint8Array(1_000_000))]);
  const body = requests[0]?.[0]?.MessageBody ?? '';
  expect(body.length).toBeLessThan(1_000_000);
  expect(bodySchema.parse(JSON.parse(body))).toMatchObject({ size: 1_000_000 });
});

test('a record that the queue does not take is an error, so that it is not lost', async () => {
  const failure = { Id: '0', Code: 'InternalError', Message: 'try again', SenderFault: false };
  const { parking } = stage(() => [failure]);
  await expect(parking.park([record('shard:1')])).rejects.toThrow('1 of 1 records could not be parked');
});

test('nothing to park is no request', async () => {
  const { parking, requests } = stage();
  await parking.park([]);
  expect(requests).toEqual([]);
});

test('of many requests eight are on their way at a time', async () => {
  const waiting: (() => void)[] = [];
  const sqs = {
    send: () => new Promise<{ Failed: [] }>((resolve) => void waiting.push(() => resolve({ Failed: [] }))),
  };
  const parked = createParking(sqs, 'https://sqs.eu-west-1.amazonaws.com/123456789012/parking.fifo').park(
    Array.from({ length: 100 }, (_, index) => record(`shard:${index}`)),
  );
  expect(waiting).toHaveLength(8);
  for (const answer of waiting.splice(0)) answer();
  await vi.waitFor(() => expect(waiting).toHaveLength(2));
  for (const answer of waiting.splice(0)) answer();
  await parked;
});
