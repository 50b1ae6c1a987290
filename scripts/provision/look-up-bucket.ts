import {
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ownComponents } from '../../cloud/greengrass/definition.ts';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import { hasMark, markValue, objectDigest, objectMark } from './marks.ts';
import type { Found } from './state.ts';

/** @throws AppError `not-allowed` where the bucket is another account's, as S3 says it */
export async function findBucket(s3: S3Client, Bucket: string): Promise<Found['bucket']> {
  if ((await orAbsent(headBucket(s3, Bucket))) === undefined) return undefined;
  const [tagging, block, policy, some] = await Promise.all([
    orAbsent(s3.send(new GetBucketTaggingCommand({ Bucket }))),
    orAbsent(s3.send(new GetPublicAccessBlockCommand({ Bucket }))),
    orAbsent(s3.send(new GetBucketPolicyCommand({ Bucket }))),
    s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 })),
  ]);
  const { BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets } =
    block?.PublicAccessBlockConfiguration ?? {};
  const tags = tagging?.TagSet ?? [];
  return {
    made: hasMark(tags),
    adoptable: tags.length === 0 && policy === undefined && (some.Contents ?? []).length === 0,
    publicBlocked: [BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets].every(Boolean),
    ...(policy?.Policy === undefined ? {} : { policy: parsed(policy.Policy) }),
  };
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

async function headBucket(s3: S3Client, Bucket: string): Promise<object> {
  try {
    return await s3.send(new HeadBucketCommand({ Bucket }));
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'not-allowed') throw error;
    throw new AppError(
      error.reason,
      `the bucket ${Bucket} is another account's, or ${error.message} Give another name with --bucket if it is.`,
      { cause: error },
    );
  }
}

/**
 * Digests of the objects that `create` put there, by key. In a bucket that it made everything counts, for the bucket can
 * be deleted only when it is empty.
 */
export async function findObjects(s3: S3Client, Bucket: string, made: boolean): Promise<Found['objects']> {
  const prefixes = made ? [''] : ownComponents.map((component) => `${component}/`);
  const objects: Found['objects'] = {};
  for (const Prefix of prefixes) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix })) {
      for (const { Key } of Contents) {
        if (Key === undefined) continue;
        const head = await orAbsent(s3.send(new HeadObjectCommand({ Bucket, Key })));
        if (made || head?.Metadata?.[objectMark] === markValue) objects[Key] = head?.Metadata?.[objectDigest];
      }
    }
  }
  return objects;
}
