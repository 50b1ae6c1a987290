import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { billedBytes, mostItems, type Pack, type PackedItem } from './contract.ts';

/**
 * Collects items into messages of at most 64 KB, which are billed as one request. One packer has one routing key, so
 * that filter policies go on meaning something; for a FIFO topic one packer has one message group. A message is full by
 * the size of its items before they are zipped: that is known with each item, and bounds what a receiver has to unpack,
 * which no size of a zip does. So the zip makes messages smaller and not fewer.
 *
 * | state | item fits | item does not fit | item is too large alone | a call after `maxDelayMs` | `flush` |
 * |---|---|---|---|---|---|
 * | empty | open | open | empty, told | – | – |
 * | open | open, or flushed at `maxItems` | flushed, then open | open, told | flushed | flushed |
 */
export interface Packer {
  /** Takes an item; answers the messages that are full, or overdue, by that. */
  add(item: PackedItem, nowMs: number): Added;
  /** The message that is overdue, if one is. Called from time to time where few items come. */
  due(nowMs: number): PackedMessage | undefined;
  /** What is left. */
  flush(): PackedMessage | undefined;
}

export interface PackerSettings {
  routingKey: string;
  /** Bytes of message and attributes together; at most 65,536. */
  maxBytes?: number;
  maxItems?: number;
  /** How long the first item of a message may wait, ms. */
  maxDelayMs: number;
}

export interface PackedMessage {
  body: string;
  attributes: Readonly<Record<string, string>>;
  /** Hash of the ids, for a FIFO topic: who packs the same items again sends the same message. */
  deduplicationId: string;
  items: number;
}

export interface Added {
  messages: PackedMessage[];
  /** The item is larger than a message: put its `body` into S3 and send a claim check (`{ s3: { bucket, key, etag } }`). */
  tooLarge?: { id: string; body: string };
}

export function createPacker(settings: PackerSettings): Packer {
  const { routingKey, maxBytes = billedBytes, maxItems = mostItems, maxDelayMs } = settings;
  if (maxBytes > billedBytes || maxItems > mostItems || maxItems < 1) {
    throw new RangeError(`A pack has at most ${billedBytes} bytes and 1 to ${mostItems} items.`);
  }
  const attributes = { routingKey };
  // Attributes count: name, type and value.
  const room = maxBytes - Buffer.byteLength(`routingKeyString${routingKey}`) - envelopeBytes;
  let items: PackedItem[] = [];
  let sinceMs = 0;
  let bytes = 0;

  const flush = (): PackedMessage | undefined => {
    if (items.length === 0) return undefined;
    const packed = items;
    items = [];
    bytes = 0;
    return {
      body: bodyOf(packed),
      attributes,
      deduplicationId: createHash('sha256')
        .update(JSON.stringify(packed.map(({ id }) => id)))
        .digest('hex'),
      items: packed.length,
    };
  };
  const due = (nowMs: number) => (items.length > 0 && nowMs - sinceMs >= maxDelayMs ? flush() : undefined);

  return {
    due,
    flush,
    add(item, nowMs) {
      const overdue = due(nowMs);
      const messages = overdue === undefined ? [] : [overdue];
      const text = JSON.stringify(item);
      // And the comma before it.
      const size = Buffer.byteLength(text) + 1;
      if (size > room) return { messages, tooLarge: { id: item.id, body: text } };
      if (bytes + size > room) messages.push(...[flush()].flatMap((message) => message ?? []));
      if (items.length === 0) sinceMs = nowMs;
      items.push(item);
      bytes += size;
      if (items.length >= maxItems) messages.push(...[flush()].flatMap((message) => message ?? []));
      return { messages };
    },
  };
}

/** An envelope without items, at its longest. */
const envelopeBytes = Buffer.byteLength(JSON.stringify({ v: 1, codec: 'none', n: mostItems, items: [] }));

/** Gzipped only where that is smaller, base64 included. */
function bodyOf(items: readonly PackedItem[]): string {
  const plain = JSON.stringify({ v: 1, codec: 'none', n: items.length, items: [...items] } satisfies Pack);
  const data = gzipSync(JSON.stringify(items)).toString('base64');
  const zipped = JSON.stringify({ v: 1, codec: 'gzip', n: items.length, data } satisfies Pack);
  return Buffer.byteLength(zipped) < Buffer.byteLength(plain) ? zipped : plain;
}
