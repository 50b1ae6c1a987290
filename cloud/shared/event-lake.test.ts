import { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { writeToLake } from './event-lake.aws.ts';
import { lakeObject } from './event-lake.ts';
import type { ParkedRecord } from './parked-record.ts';
import { createTelemetry } from './telemetry.aws.ts';

const message = (messageId: string, body: unknown) => ({ messageId, body: JSON.stringify(body, undefined, 2) });

test('a batch is one object, a line an event, under the day of its first', () => {
  const batch = [message('m1', { id: 1 }), message('m2', { id: 2 })];
  const object = lakeObject(batch, '2026-01-02T03:04:05Z');
  expect(object).toEqual({ key: '2026/1/2/m1-m2.ndjson', body: '{"id":1}\n{"id":2}\n' });
  expect(lakeObject(batch, '2026-01-02T03:04:05Z')).toEqual(object);
});

test('no event is no object', () => {
  expect(lakeObject([], '2026-01-02T03:04:05Z')).toBeUndefined();
});

test('what is no event is parked with its bytes, the others are written; where the bucket is away all come again', async () => {
  const parked: ParkedRecord[] = [];
  let isAway = false;
  const bodies: string[] = [];
  const handler = writeToLake({
    schema: z.object({ id: z.string(), eventCreated: z.iso.datetime() }),
    s3: new S3Client({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
      requestHandler: {
        async handle(request: unknown) {
          const { body } = z.object({ body: z.string() }).parse(request);
          bodies.push(body);
          return { response: { statusCode: isAway ? 503 : 200, headers: {}, body: Buffer.from('') } };
        },
      },
    }),
    bucketName: 'lake',
    parking: { park: async (records) => void parked.push(...records) },
    telemetry: createTelemetry(),
  });
  const good = JSON.stringify({ id: 'e1', eventCreated: '2026-01-02T03:04:05Z' });
  const batch = {
    Records: [good, 'hello', good].map((body, place) => ({
      ...{ messageId: `m${place}`, body, attributes: { MessageGroupId: 'a' } },
    })),
  };
  expect(await handler(batch)).toEqual({ batchItemFailures: [] });
  expect(bodies).toEqual([`${good}\n${good}\n`]);
  expect(parked).toMatchObject([{ id: 'm1', reason: 'not-json', bytes: Buffer.from('hello') }]);
  isAway = true;
  await expect(handler(batch)).rejects.toThrow();
  expect(parked).toHaveLength(1);
});
