import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { fakeAws } from '../testing/fake-aws.ts';
import { claimCheck, type ItemRow, packEvent } from './contract.ts';
import { createItems } from './items.aws.ts';
import { createLargeItems } from './large-items.aws.ts';
import { createPacker } from './packer.ts';
import { storeMessages } from './store.ts';

function packOf(...ids: string[]): string {
  const packer = createPacker({ routingKey: 'temperature', maxDelayMs: 1_000 });
  for (const id of ids) packer.add({ id, value: { celsius: 21.5 } }, 0);
  return packer.flush()?.body ?? '';
}

function world(large?: string | 'too-large') {
  const rows = new Map<string, ItemRow>();
  const ports = {
    large: { get: async () => (large === undefined || large === 'too-large' ? large : { text: large }) },
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

describe('what is too large', () => {
  /** An item whose row has so many bytes. */
  const itemOf = (id: string, bytes: number) => {
    const around = Buffer.byteLength(`id${id}value""routingKeytemperature`);
    return { id, value: 'x'.repeat(bytes - around) };
  };

  test('for a row is parked with its message, and its neighbours are stored (poison)', async () => {
    const items = [itemOf('a', 10_000), itemOf('fits', 409_600), itemOf('large', 409_601), itemOf('b', 10_000)];
    const data = gzipSync(JSON.stringify(items)).toString('base64');
    const body = JSON.stringify({ v: 1, codec: 'gzip', n: 4, data });
    const { rows, ports } = world();
    const batch = await storeMessages(messages(body, packOf('c')), ports);
    expect([...rows.keys()]).toEqual(['a', 'fits', 'b', 'c']);
    expect(batch).toMatchObject({ items: 4, batchItemFailures: [], errors: [] });
    expect(batch.parked).toEqual([
      {
        ...{ id: 'm0', reason: 'too-large', detail: 'larger than 409600 bytes: large' },
        bytes: Buffer.from(body),
      },
    ]);
  });

  test('to be read from S3, or to be unpacked, is parked (poison)', async () => {
    const bomb = JSON.stringify({
      ...{ v: 1, codec: 'gzip', n: 1 },
      data: gzipSync(Buffer.alloc(17 * 1_024 * 1_024)).toString('base64'),
    });
    for (const object of ['too-large', bomb]) {
      const { parked } = await storeMessages(messages(claim), world(object).ports);
      expect(parked.map(({ reason }) => reason)).toEqual(['too-large']);
    }
    const { parked } = await storeMessages(messages(bomb), world().ports);
    expect(parked.map(({ reason }) => reason)).toEqual(['too-large']);
  });

  test.each([
    [16 * 1_024 * 1_024, { text: 'text' }, true],
    [16 * 1_024 * 1_024 + 1, 'too-large', false],
  ])('an object of S3 with %i bytes is %j', async (bytes, expected, isRead) => {
    let wasRead = false;
    const body = new Readable({
      read() {
        wasRead = true;
        this.push('text');
        this.push(null);
      },
    });
    const headers = { 'content-length': String(bytes) };
    const s3 = new S3Client({
      ...fakeAws(() => ({})),
      requestHandler: { handle: async () => ({ response: { statusCode: 200, headers, body } }) },
    });
    const check = claimCheck.parse(JSON.parse(claim));
    expect(await createLargeItems(s3, 'b').get(check)).toEqual(expected);
    expect({ wasRead, destroyed: body.destroyed }).toEqual({ wasRead: isRead, destroyed: true });
  });
});

describe('a message of the queue', () => {
  test('without a routing key is parked alone (poison)', async () => {
    const attributes = { routingKey: { stringValue: 'temperature', dataType: 'String' } };
    const bodies = [undefined, {}, { routingKey: { binaryValue: 'AAAA' } }, attributes].map((one, place) => ({
      ...{ messageId: `m${place}`, body: packOf(`i${place}`) },
      ...(one === undefined ? {} : { messageAttributes: one }),
    }));
    const { rows, ports } = world();
    const batch = await storeMessages(packEvent.parse({ Records: bodies }).Records, ports);
    expect([...rows.keys()]).toEqual(['i3']);
    expect(batch.parked.map(({ id, reason }) => [id, reason])).toEqual([
      ['m0', 'no-routing-key'],
      ['m1', 'no-routing-key'],
      ['m2', 'no-routing-key'],
    ]);
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
