import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, test, vi } from 'vitest';
import type { Slice } from './contract.ts';
import { createSource } from './source.aws.ts';

const slice: Slice = {
  ...{ job: 'a'.repeat(32), destination: 'x', key: 'exports/x/y', etag: 'e', size: 10, index: 0, start: 0, end: 10 },
};

function bucket(body: Readable, limitMs: number) {
  const s3 = new S3Client({ region: 'eu-west-1' });
  vi.spyOn(s3, 'send').mockImplementation(async () => ({ Body: body }));
  return createSource(s3, 'source', limitMs);
}

test('the bytes of an object are read as they come', async () => {
  const chunks = await bucket(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 60_000).read(slice, 0, 3);
  const read: string[] = [];
  for await (const chunk of chunks ?? []) read.push(Buffer.from(chunk).toString());
  expect(read).toEqual(['ab', 'c']);
});

test('a body that does not go on fails when its time is over, and is closed', async () => {
  const body = new Readable({ read: () => undefined });
  body.push('ab');
  const chunks = await bucket(body, 20).read(slice, 0, 10);
  const reading = async () => {
    for await (const _ of chunks ?? []);
  };
  await expect(reading()).rejects.toThrow('aborted');
  expect(body.destroyed).toBe(true);
});
