import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode } from './decode.ts';
import { arrivedMs, message, readingText } from './test-messages.ts';

const settings = { keepDays: 30 };

test.each([
  ['text', (text: string) => text],
  ['bytes', (text: string) => Buffer.from(text)],
])(
  'a reading in a message of %s is a row, kept by when the broker took it and ordered by when it was made',
  (_, as) => {
    expect(decode(message(7, as(readingText())), settings)).toMatchObject({
      kind: 'reading',
      id: 'ID:plant-40143-1795570443594-3:3:-1:1:7',
      redelivered: false,
      reading: {
        item: {
          partitionKey: 'press-4',
          timestamp: '2026-01-02T03:04:05.678Z',
          metrics: { temperature: '21.5', humidity: '40.25' },
          site: 'hall-2',
          seq: 12,
          expiresAt: Math.floor(arrivedMs / 1_000) + 30 * 86_400,
        },
        arrival: '2026-01-02T03:04:05.000Z ID:plant-40143-1795570443594-3:3:-1:1:00000000000000000007',
      },
    });
  },
);

const text = (body: string, fields?: Record<string, unknown>) => message(1, body, fields);

test.each([
  ['a map', text('{}', { messageType: 'jms/map-message' }), 'unknown-type', '{}'],
  ['a body that is no base64', text('', { data: 'a*b' }), 'not-base64', 'a*b'],
  ['bytes that are not UTF-8', message(1, Buffer.from([0xff, 0xfe])), 'not-a-reading', undefined],
  [
    'a body that is not JSON',
    text('15.4|2020-08-22T01:16:36+00:00'),
    'not-a-reading',
    '15.4|2020-08-22T01:16:36+00:00',
  ],
  ['no body', text(''), 'not-a-reading', ''],
  ['more than a reading has', text(' '.repeat(9_000)), 'too-large', ' '.repeat(9_000)],
  ['a number that no table holds', text(readingText({ metrics: { t: 1e200 } })), 'number-out-of-range', undefined],
])('%s is unusable, with its bytes', (_, value, reason, bytes) => {
  const decoded = decode(value, settings);
  expect(decoded).toMatchObject({ kind: 'unusable', reason });
  if (bytes !== undefined) expect(Buffer.from(decoded.bytes).toString()).toBe(bytes);
});

test.each([
  ['another version', readingText({ version: 2 })],
  ['no device', readingText({ deviceId: '' })],
  ['no instant', readingText({ ts: 'yesterday' })],
  ['what the IoT rule writes', JSON.stringify({ data: '', clientId: 'press-4', receivedAtMs: 1 })],
  ['a list', '[]'],
  ['null', 'null'],
])('a body with %s is unusable, with what is wrong (bad schema)', (_, body) => {
  const decoded = decode(text(body), settings);
  expect(decoded).toMatchObject({ kind: 'unusable', reason: 'bad-schema', detail: expect.stringMatching(/\S/) });
  expect(Buffer.from(decoded.bytes).toString()).toBe(body);
});

test.each([
  ['null', null],
  ['a number', 7],
  ['no id', { ...message(1, readingText()), messageID: undefined }],
  ['an instant beyond the year 9999', message(1, readingText(), { brokerInTime: 253_402_300_800_000 })],
])('what is no message at all (%s) is unusable under the same name each time', (_, value) => {
  const decoded = decode(value, settings);
  expect(decoded).toMatchObject({ kind: 'unusable', reason: 'not-a-message', id: expect.stringMatching(/^sha256:/) });
  expect(decode(structuredClone(value), settings).id).toBe(decoded.id);
});

const arrivalOf = (fields: Record<string, unknown>) => {
  const decoded = decode(message(7, readingText(), fields), settings);
  return decoded.kind === 'reading' ? decoded.reading.arrival : '';
};

test('a message that is moved back from the dead letters keeps its place before one that was made later', () => {
  const moved = arrivalOf({ timestamp: arrivedMs, brokerInTime: arrivedMs + 60_000 });
  expect(moved).toBe(arrivalOf({ timestamp: arrivedMs, brokerInTime: arrivedMs }));
  expect(moved < arrivalOf({ timestamp: arrivedMs + 1, brokerInTime: arrivedMs + 1 })).toBe(true);
});

test.each([
  ['nothing', undefined],
  ['0', 0],
  ['what is no instant', 'today'],
  ['an instant to come', arrivedMs + 86_400_000],
])('a message that says %s of when it was made stands where the broker took it', (_, timestamp) => {
  expect(arrivalOf({ timestamp })).toBe(arrivalOf({}));
});

test('of one sender in one millisecond the tenth message is later than the ninth', () => {
  const arrival = (count: number) => {
    const decoded = decode(message(count, readingText()), settings);
    return decoded.kind === 'reading' ? decoded.reading.arrival : '';
  };
  expect(arrival(10) > arrival(9)).toBe(true);
});

test('any value is a reading or unusable, never an exception', () => {
  const body = fc.oneof(fc.string(), fc.uint8Array(), fc.json());
  const value = fc.oneof(
    fc.anything(),
    fc
      .tuple(fc.nat(), body, fc.dictionary(fc.constantFrom('data', 'messageType', 'brokerInTime'), fc.anything()))
      .map(([count, of, fields]) => message(count, of, fields)),
  );
  fc.assert(fc.property(value, (one) => void decode(one, settings)));
});
