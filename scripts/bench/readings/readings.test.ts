import { expect, test } from 'vitest';
import { z } from 'zod';
import { readingMessage } from '../../../device/reading/reading.ts';
import { readingAt, readings } from './readings.ts';

const published = z.object({ data: z.base64(), clientId: z.string(), receivedAtMs: z.int() });

test('what is sent is a reading, as the IoT rule writes it, of its own device', () => {
  const { data, deviceId } = readingAt(4_321);
  const record = published.parse(JSON.parse(data));
  const message = readingMessage.parse(JSON.parse(Buffer.from(record.data, 'base64').toString()));
  expect([message.deviceId, record.clientId]).toEqual([deviceId, deviceId]);
});

test('a fifth of the readings writes a key anew, and each has a value of its own', () => {
  const sent = Array.from({ length: readings }, (_, place) => readingAt(place));
  expect(new Set(sent.map(({ key }) => key)).size).toBe(80_000);
  expect(new Set(sent.map(({ value }) => value)).size).toBe(readings);
});
