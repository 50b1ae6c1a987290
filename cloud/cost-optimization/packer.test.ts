import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billedBytes, type PackedItem } from './contract.ts';
import { createPacker, type PackedMessage } from './packer.ts';
import { unpack } from './unpack.ts';

const settings = { routingKey: 'temperature', maxDelayMs: 1_000 };
const sizeOf = ({ body, attributes }: PackedMessage) =>
  Buffer.byteLength(body) +
  Object.entries(attributes).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}String${value}`), 0);

/** All messages of the items, packed one after the other at the same instant. */
function packAll(items: readonly PackedItem[], fields: Partial<Parameters<typeof createPacker>[0]> = {}) {
  const packer = createPacker({ ...settings, ...fields });
  const messages: PackedMessage[] = [];
  const tooLarge: string[] = [];
  for (const item of items) {
    const added = packer.add(item, 0);
    messages.push(...added.messages);
    if (added.tooLarge !== undefined) tooLarge.push(added.tooLarge.id);
  }
  const last = packer.flush();
  return { messages: last === undefined ? messages : [...messages, last], tooLarge };
}

const itemsOf = ({ body }: PackedMessage) => {
  const unpacked = unpack(body);
  return unpacked.kind === 'items' ? unpacked.items : [];
};

const itemArbitrary = fc.record({ id: fc.string({ minLength: 1, maxLength: 50 }), value: fc.jsonValue() });

describe('a packer', () => {
  test('sends what it was given, in order, in messages that are billed as one', () => {
    const big = fc.record({
      id: fc.uuid(),
      value: fc.string({ minLength: 5_000, maxLength: 70_000, unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: itemArbitrary }, big), { maxLength: 60 }), (items) => {
        const { messages, tooLarge } = packAll(items);
        const sent = JSON.parse(JSON.stringify(items.filter(({ id }) => !tooLarge.includes(id))));
        expect(messages.flatMap(itemsOf).filter(({ id }) => !tooLarge.includes(id))).toEqual(sent);
        for (const message of messages) expect(sizeOf(message)).toBeLessThanOrEqual(billedBytes);
      }),
      { numRuns: 50 },
    );
  });

  test('fills a message to the last byte, and begins another for one more', () => {
    const attributes = Buffer.byteLength('routingKeyStringtemperature');
    const envelope = Buffer.byteLength(JSON.stringify({ v: 1, codec: 'none', n: 10_000, items: [] }));
    const item = (bytes: number) => {
      const empty = Buffer.byteLength(JSON.stringify({ id: 'a', value: '' })) + 1;
      return { id: 'a', value: 'x'.repeat(bytes - empty) };
    };
    const room = billedBytes - attributes - envelope;
    expect(packAll([item(room)]).tooLarge).toEqual([]);
    expect(packAll([item(room + 1)]).tooLarge).toEqual(['a']);
    expect(packAll([item(room - 100), item(100)]).messages).toHaveLength(1);
    expect(packAll([item(room - 100), item(101)]).messages).toHaveLength(2);
  });

  test('sends at so many items, and when the first has waited long enough', () => {
    const packer = createPacker({ ...settings, maxItems: 2 });
    const item = { id: 'a', value: 1 };
    expect(packer.add(item, 0).messages).toEqual([]);
    expect(packer.add(item, 1).messages).toMatchObject([{ items: 2 }]);
    expect(packer.due(5_000)).toBeUndefined();
    packer.add(item, 5_000);
    expect(packer.due(5_999)).toBeUndefined();
    expect(packer.due(6_000)).toMatchObject({ items: 1 });
    packer.add(item, 7_000);
    expect(packer.add(item, 8_000).messages).toMatchObject([{ items: 1 }]);
    expect(packer.flush()).toMatchObject({ items: 1 });
    expect(packer.flush()).toBeUndefined();
  });

  test('zips only what gets smaller by it', () => {
    const [small] = packAll([{ id: 'a', value: 1 }]).messages;
    const [large] = packAll(
      Array.from({ length: 500 }, (_, place) => ({ id: `r${place}`, value: { temperature: 21.5 } })),
    ).messages;
    expect(small?.body).toContain('"codec":"none"');
    expect(large?.body).toContain('"codec":"gzip"');
  });

  test('gives the same items the same id for deduplication, others another one', () => {
    const idOf = (...ids: string[]) => packAll(ids.map((id) => ({ id, value: 1 }))).messages[0]?.deduplicationId;
    expect(idOf('a', 'b')).toBe(idOf('a', 'b'));
    expect(new Set([idOf('a', 'b'), idOf('b', 'a'), idOf('ab')]).size).toBe(3);
  });

  test('refuses settings that are none', () => {
    expect(() => createPacker({ ...settings, maxBytes: billedBytes + 1 })).toThrow('at most 65536 bytes');
    expect(() => createPacker({ ...settings, maxItems: 0 })).toThrow(RangeError);
  });
});

describe('what is unpacked', () => {
  test('may be an item of somebody who does not pack, or a claim check', () => {
    expect(unpack('{"id":"a","value":1}')).toEqual({ kind: 'items', items: [{ id: 'a', value: 1 }] });
    const claim = { s3: { bucket: 'b', key: 'k', etag: 'e' } };
    expect(unpack(JSON.stringify(claim))).toEqual({ kind: 'claim', claim });
  });

  const gzip = (text: string, n = 1) =>
    JSON.stringify({ v: 1, codec: 'gzip', n, data: gzipSync(text).toString('base64') });
  test.each([
    ['hello', 'not-json'],
    ['{"a":1}', 'bad-schema'],
    ['[]', 'bad-schema'],
    ['{"v":2,"codec":"none","n":1,"items":[]}', 'corrupt-pack'],
    ['{"v":1,"codec":"none","n":2,"items":[{"id":"a","value":1}]}', 'corrupt-pack'],
    ['{"v":1,"codec":"gzip","n":1,"data":"AAAA"}', 'corrupt-pack'],
    [gzip('no list'), 'corrupt-pack'],
    [gzip('[{"id":"a","value":1}]', 2), 'corrupt-pack'],
  ])('%.40s is unusable: %s', (body, reason) => {
    expect(unpack(body)).toMatchObject({ kind: 'unusable', reason });
  });

  test('is no more than 16 MiB and 10,000 items, zipped or not', () => {
    expect(unpack(gzip(' '.repeat(17 * 1_024 * 1_024)))).toMatchObject({ kind: 'unusable', reason: 'too-large' });
    const items = `[${'0,'.repeat(10_000)}0]`;
    for (const body of [gzip(items), `{"v":1,"codec":"none","n":1,"items":${items}}`]) {
      expect(unpack(body)).toMatchObject({ reason: 'corrupt-pack', detail: 'it has more than 10000 items' });
    }
  });

  test('is items, a claim or unusable, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(['items', 'claim', 'unusable']).toContain(unpack(body).kind);
      }),
    );
  });
});
