import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, expect, test } from 'vitest';
import { defaultNames } from '../../cloud/greengrass/names.ts';
import { createClients } from './clients.ts';
import type { Context } from './context.ts';
import { findBucket, findObjects, ownedBucket } from './look-up-bucket.ts';
import * as rest from './perform-rest.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: 'artifacts' };
const credentials = { accessKeyId: 'key', secretAccessKey: 'none' };
const clients = { ...createClients(place.region, {}), s3: new S3Client({ region: place.region, credentials }) };

afterAll(() => clients.close());

test('S3 is told whose bucket is meant by every call but the one that makes it', async () => {
  const calls: string[] = [];
  clients.s3.middlewareStack.add(
    (_next, { commandName }) =>
      async ({ input }) => {
        const owner = 'ExpectedBucketOwner' in input ? input.ExpectedBucketOwner : 'anybody';
        calls.push(`${commandName}: ${owner}`);
        return { output: { $metadata: {}, Contents: [{ Key: 'a' }] }, response: undefined };
      },
    { step: 'initialize', priority: 'high' },
  );
  const context: Context = {
    ...{ clients, names, place, known: {}, secretValue: async () => '', pause: async () => {} },
  };
  await rest.createBucket(context);
  expect(calls.splice(0)).toEqual(['CreateBucketCommand: anybody']);
  await rest.markBucket(context);
  await rest.blockPublicAccess(context);
  await rest.putBucketPolicy(context);
  await rest.upload(context, { key: 'a', file: import.meta.filename, sha256: '' });
  await rest.deleteObjects(context, ['a']);
  await rest.deleteBucket(context);
  await findBucket(clients.s3, ownedBucket(names, place));
  await findObjects(clients.s3, ownedBucket(names, place), true);
  expect(calls).toHaveLength(13);
  expect(calls.filter((call) => !call.endsWith(`: ${place.account}`))).toEqual([]);
});
