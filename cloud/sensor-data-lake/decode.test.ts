import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayOf, decode } from './decode.ts';
import { line, reading, receivedMs } from './test-messages.ts';

const gateways = { 'gateway-1': ['machine-7'] };

test('a reading is a sample for each of its metrics', () => {
  const shared = { site: 'hall-2', deviceId: 'press-4', atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678), seq: 12 };
  const more = { clockSynchronised: true, receivedAtMs: receivedMs };
  expect(decode(line(reading()), gateways)).toEqual({
    kind: 'samples',
    samples: [
      { ...shared, ...more, metric: 'temperature', value: 21.5 },
      { ...shared, ...more, metric: 'humidity', value: 40.25 },
    ],
  });
});

test.each([
  ['another connection of its nucleus', 'press-4#2', 'press-4', 'samples'],
  ['its gateway', 'gateway-1', 'machine-7', 'samples'],
  ['a gateway that does not speak for it', 'gateway-1', 'press-4', 'parked'],
  ['another device', 'press-5', 'press-4', 'parked'],
])('a reading that %s has sent, client %s for device %s, is %s', (_, clientId, deviceId, kind) => {
  expect(decode(line(reading({ deviceId }), clientId), gateways).kind).toBe(kind);
});

test.each([
  ['no JSON', 'hello', 'not-json'],
  ['a reading of a device of which the sender is none', reading({ deviceId: 'press-5' }), 'other-device'],
  ['a reading of 1970', reading({ ts: '1970-01-01T00:00:05Z' }), 'instant-out-of-range'],
  ['a reading of the day after tomorrow', reading({ ts: '2026-01-04T03:04:05Z' }), 'instant-out-of-range'],
])('a message that is %s is parked with its payload (poison)', (_, payload, reason) => {
  const sent = typeof payload === 'string' ? payload : JSON.stringify(payload);
  expect(decode(line(payload), gateways)).toMatchObject({ kind: 'parked', reason, bytes: Buffer.from(sent) });
});

test.each([
  ['version', reading({ version: 2 })],
  ['metrics.temperature', reading({ metrics: { temperature: '21.5' } })],
  ['ts', reading({ ts: '2026-01-02 03:04' })],
])('a message whose %s does not fit is parked with the field that is wrong (bad schema)', (field, payload) => {
  const decoded = decode(line(payload), gateways);
  expect(decoded).toMatchObject({ kind: 'parked', reason: 'bad-schema' });
  expect(decoded.kind === 'parked' ? decoded.detail : '').toContain(`${field}: `);
});

test('a line that was received at no instant is parked', () => {
  const published = { data: 'e30=', clientId: 'press-4', receivedAtMs: Number.MIN_SAFE_INTEGER };
  const decoded = decode(JSON.stringify(published), gateways);
  expect(decoded).toMatchObject({ kind: 'parked', reason: 'not-published' });
});

test('a line is samples or parked, whatever it is, and a sample lies in the day of its instant', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => line(json)),
      ),
      (text) => {
        expect(['samples', 'parked']).toContain(decode(text, gateways).kind);
      },
    ),
  );
  fc.assert(
    fc.property(fc.date({ min: new Date('2020-01-01'), max: new Date(receivedMs), noInvalidDate: true }), (at) => {
      const decoded = decode(line(reading({ ts: at.toISOString() })), gateways);
      const days = decoded.kind === 'samples' ? decoded.samples.map(dayOf) : [];
      expect(days).toEqual(Array(2).fill(at.toISOString().slice(0, 10)));
    }),
  );
});
