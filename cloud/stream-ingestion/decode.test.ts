import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from './decode.ts';
import { arrivedMs, published, reading, record, settings } from './test-records.ts';

const expiresAt = Math.floor(arrivedMs / 1_000) + 30 * 86_400;

/** What it was parked for, and the bytes as text. */
function parking(data: string | Uint8Array, partitionKey?: string): [string, string] | undefined {
  const decoded = decode(record(1, data, partitionKey), settings);
  return decoded.kind === 'parked' ? [decoded.reason, Buffer.from(decoded.bytes).toString()] : undefined;
}

describe('value|timestamp', () => {
  test('is a row of the sensor that the partition key names, its number digit for digit', () => {
    expect(decode(record(1, '15.40|2020-08-22T01:16:36+00:00'), settings)).toEqual({
      kind: 'reading',
      atMs: Date.UTC(2020, 7, 22, 1, 16, 36),
      item: { partitionKey: '1301', timestamp: '2020-08-22T01:16:36.000Z', value: '15.40', expiresAt },
    });
  });

  test('may end with a line break, and says its instant in any offset', () => {
    expect(decode(record(1, '1|2020-08-22T03:16:36.5+02:00\n'), settings)).toMatchObject({
      item: { timestamp: '2020-08-22T01:16:36.500Z' },
    });
  });

  test.each([
    ['hello', 'not-a-reading'],
    ['', 'not-a-reading'],
    ['warm|2020-08-22T01:16:36Z', 'bad-schema'],
    ['15.4|yesterday', 'bad-schema'],
    ['15.4|2020-08-22', 'bad-schema'],
    ['15.4|2020-08-22T01:16:36', 'bad-schema'],
    ['15.4|2020-13-41T01:16:36Z', 'bad-schema'],
    ['15.4|2020-08-22T01:16:36Z|x', 'bad-schema'],
    ['1e999|2020-08-22T01:16:36Z', 'number-out-of-range'],
    [`${' '.repeat(9_000)}|`, 'too-large'],
  ])('%.40s is parked: %s', (text, reason) => {
    expect(parking(text)).toEqual([reason, text]);
  });

  test('is parked where the partition key cannot name a sensor', () => {
    expect(parking('1|2020-08-22T01:16:36Z', 'a\nb')?.[0]).toBe('bad-schema');
  });
});

describe('a reading', () => {
  const item = {
    partitionKey: 'press-4',
    timestamp: '2026-01-02T03:04:05.678Z',
    metrics: { temperature: '21.5', humidity: '40.25' },
    site: 'hall-2',
    seq: 12,
    expiresAt,
  };

  test('is a row with all its metrics, whether a rule wrote it or a producer', () => {
    const atMs = Date.parse(item.timestamp);
    const text = JSON.stringify(reading());
    expect(decode(record(1, text), settings)).toEqual({ kind: 'reading', atMs, item });
    expect(decode(record(1, published(text)), settings)).toEqual({ kind: 'reading', atMs, item });
  });

  test.each([
    ['not JSON', '{"version":', 'not-a-reading'],
    ['another version', JSON.stringify(reading({ version: 2 })), 'bad-schema'],
    ['no device', JSON.stringify(reading({ deviceId: undefined })), 'bad-schema'],
    ['a value that is text', JSON.stringify(reading({ metrics: { temperature: 'warm' } })), 'bad-schema'],
    ['a number out of range', JSON.stringify(reading({ metrics: { temperature: 1e300 } })), 'number-out-of-range'],
    ['more bytes than a message has', JSON.stringify(reading({ pad: 'x'.repeat(8_000) })), 'too-large'],
  ])('with %s is parked as it was sent (bad schema)', (_what, text, reason) => {
    expect(parking(text)).toEqual([reason, text]);
    expect(parking(published(text))).toEqual([reason, text]);
  });

  test('that is no text is parked byte for byte', () => {
    const bytes = Uint8Array.from([0xff, 0xfe, 0x7b]);
    expect(decode(record(1, bytes), settings)).toMatchObject({ reason: 'not-a-reading', bytes });
    expect(decode(record(1, published(bytes)), settings)).toMatchObject({
      reason: 'not-a-reading',
      bytes: Buffer.from(bytes),
    });
  });
});

describe('who speaks for whom', () => {
  const text = JSON.stringify(reading());

  test.each(['press-4', 'press-4#2'])('client %s is the thing press-4', (clientId) => {
    expect(parking(published(text, clientId))).toBeUndefined();
  });

  test.each(['press-5', 'press-41', 'press-4-2', 'PRESS-4', '#press-4', 'n/a'])(
    'what client %s says of press-4 is parked',
    (clientId) => {
      expect(parking(published(text, clientId))).toEqual(['other-device', text]);
    },
  );

  test('a gateway speaks for the devices that are registered for it, and for no other', () => {
    const of = (deviceId: string) => published(JSON.stringify(reading({ deviceId })), 'gateway-1');
    expect(parking(of('machine-7'))).toBeUndefined();
    expect(parking(of('gateway-1'))).toBeUndefined();
    expect(parking(of('machine-8'))?.[0]).toBe('other-device');
  });

  test('fields of a message cannot pose as those of the rule', () => {
    const posing = JSON.stringify(reading({ clientId: 'press-5', data: '', receivedAtMs: 1 }));
    expect(parking(published(posing, 'press-5'))?.[0]).toBe('other-device');
  });
});

test('any bytes are a reading or parked, never an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.string().map(Buffer.from), fc.json().map(Buffer.from)), (bytes) => {
      for (const data of [bytes, Buffer.from(published(bytes))]) {
        const decoded = decode(record(1, data), settings);
        if (decoded.kind === 'parked')
          expect([Buffer.from(bytes), Buffer.from(data)]).toContainEqual(Buffer.from(decoded.bytes));
      }
    }),
  );
});
