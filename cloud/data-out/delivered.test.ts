import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, test, vi } from 'vitest';
import { createDelivered } from './delivered.aws.ts';

/** What is sent to S3, by the name of its command; a part fails where told. */
function bucket(failingPart?: number) {
  const sent: string[] = [];
  const s3 = new S3Client({ region: 'eu-west-1' });
  vi.spyOn(s3, 'send').mockImplementation(async (command: unknown) => {
    if (command instanceof UploadPartCommand) {
      sent.push(`part ${command.input.PartNumber}`);
      if (command.input.PartNumber === failingPart) throw new Error('SlowDown');
      return { ETag: `e${command.input.PartNumber}` };
    }
    if (command instanceof PutObjectCommand) sent.push(`put ${command.input.Key}`);
    if (command instanceof AbortMultipartUploadCommand) sent.push(`abort ${command.input.UploadId}`);
    if (command instanceof CompleteMultipartUploadCommand) {
      sent.push(`complete ${command.input.MultipartUpload?.Parts?.map(({ ETag }) => ETag).join()}`);
    }
    if (command instanceof CreateMultipartUploadCommand) {
      sent.push('create');
      return { UploadId: 'u1' };
    }
    return {};
  });
  return { sent, delivered: createDelivered(s3, 'delivered', 10) };
}

test('what fits into a part is one object, written once; nothing is no object', async () => {
  const { sent, delivered } = bucket();
  const sink = delivered.open('a', 'text/csv');
  await sink.write(Buffer.from('12345'));
  expect(await sink.end()).toBe(1);
  expect(await delivered.open('b', 'text/csv').end()).toBe(0);
  expect(sent).toEqual(['put a']);
});

test('what is larger goes in parts, and is there when all are', async () => {
  const { sent, delivered } = bucket();
  const sink = delivered.open('a', 'text/csv');
  for (const text of ['12345678', '90', '1234567890', '1']) await sink.write(Buffer.from(text));
  expect(await sink.end()).toBe(5);
  expect(sent).toEqual(['create', 'part 1', 'part 2', 'part 3', 'complete e1,e2,e3']);
});

test('an upload that fails is aborted, and leaves nothing', async () => {
  const { sent, delivered } = bucket(1);
  const sink = delivered.open('a', 'text/csv');
  await expect(sink.write(Buffer.from('1234567890'))).rejects.toThrow('SlowDown');
  await sink.abort();
  expect(sent).toEqual(['create', 'part 1', 'abort u1']);
});
