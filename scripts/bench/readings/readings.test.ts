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

test('readings write keys anew rounds later and within one batch, and each has a value of its own', () => {
  const sent = Array.from({ length: readings }, (_, place) => readingAt(place));
  expect(new Set(sent.map(({ key }) => key)).size).toBe(78_400);
  expect(new Set(sent.map(({ value }) => value)).size).toBe(readings);
  const inOneBatch = sent.filter(({ key }, place) => place % 100 > 0 && sent[place - 1]?.key === key);
  expect(inOneBatch).toHaveLength(2_000);
  expect(sent.filter(({ key }, place) => sent[place - 200]?.key === key)).toHaveLength(20_000);
});
