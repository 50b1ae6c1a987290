import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { fakeAws } from '../testing/fake-aws.ts';
import type { ItemRow } from './contract.ts';
import { createItems } from './items.aws.ts';
import { createPacker } from './packer.ts';
import { storeMessages } from './store.ts';

function packOf(...ids: string[]): string {
  const packer = createPacker({ routingKey: 'temperature', maxDelayMs: 1_000 });
  for (const id of ids) packer.add({ id, value: { celsius: 21.5 } }, 0);
  return packer.flush()?.body ?? '';
}

function world(large?: string) {
  const rows = new Map<string, ItemRow>();
  const ports = {
    large: { get: async () => large },
    items: {
      async put(some: readonly ItemRow[]) {
        for (const row of some) {
          if (row.id === 'away') throw new Error('away');
          rows.set(row.id, row);
        }
      },
    },
    parking: { park: async () => {} },
  };
  return { rows, ports };
}

const messages = (...bodies: string[]) =>
  bodies.map((body, place) => ({ messageId: `m${place}`, body, routingKey: 'temperature' }));
const claim = JSON.stringify({ s3: { bucket: 'b', key: 'k', etag: 'e' } });

describe('messages', () => {
  test('of packs and of senders that do not pack become rows', async () => {
    const { rows, ports } = world();
    const batch = await storeMessages(messages(packOf('a', 'b'), '{"id":"c","value":1}'), ports);
    expect(batch).toMatchObject({ items: 3, parked: [], batchItemFailures: [] });
    expect([...rows.values()]).toContainEqual({ id: 'a', value: '{"celsius":21.5}', routingKey: 'temperature' });
  });

  test('that come again write the same rows (duplicate)', async () => {
    const { rows, ports } = world();
    await storeMessages(messages(packOf('a', 'b'), packOf('a', 'b')), ports);
    expect([...rows.keys()]).toEqual(['a', 'b']);
  });

  test('that are no pack are parked as they came, and their followers are stored (poison)', async () => {
    const { rows, ports } = world();
    const { parked } = await storeMessages(messages('hello', packOf('a')), ports);
    expect(parked).toMatchObject([{ id: 'm0', reason: 'not-json', bytes: Buffer.from('hello') }]);
    expect([...rows.keys()]).toEqual(['a']);
  });

  test.each([
    ['{"v":1,"codec":"gzip","n":1,"data":"AAAA"}', 'corrupt-pack'],
    ['{"a":1}', 'bad-schema'],
  ])('%s is parked: %s (bad schema)', async (body, reason) => {
    const { parked } = await storeMessages(messages(body), world().ports);
    expect(parked.map((record) => record.reason)).toEqual([reason]);
  });

  test('that fail come again alone (partial failure)', async () => {
    const { rows, ports } = world();
    const batch = await storeMessages(messages(packOf('away'), packOf('a')), ports);
    expect(batch).toMatchObject({ items: 1, batchItemFailures: [{ itemIdentifier: 'm0' }] });
    expect([...rows.keys()]).toEqual(['a']);
  });

  test('with a claim check are the item in S3; one that is lost is parked', async () => {
    const { rows, ports } = world('{"id":"large","value":"x"}');
    await storeMessages(messages(claim), ports);
    expect([...rows.keys()]).toEqual(['large']);
    for (const lost of [undefined, 'hello', claim]) {
      const { parked } = await storeMessages(messages(claim), world(lost).ports);
      expect(parked.map(({ reason }) => reason)).toEqual(['claim-lost']);
    }
  });
});

describe('rows', () => {
  const table = (unprocessed: boolean) => {
    const requests: unknown[] = [];
    const dynamo = new DynamoDBClient(
      fakeAws(({ input }) => {
        requests.push(input);
        return unprocessed ? { UnprocessedItems: { Items: [{ PutRequest: { Item: {} } }] } } : {};
      }),
    );
    return { requests, items: createItems(DynamoDBDocumentClient.from(dynamo), 'Items') };
  };
  const row = (id: string) => ({ id, value: '1', routingKey: 'temperature' });

  test('are written 25 a request, each id once', async () => {
    const { requests, items } = table(false);
    await items.put([...Array.from({ length: 26 }, (_, place) => row(`r${place}`)), row('r0')]);
    expect(requests).toHaveLength(2);
  });

  test('that the table leaves let the message come again (throttle)', async () => {
    await expect(table(true).items.put([row('a')])).rejects.toThrow('left 1 of 1 rows');
  });
});
