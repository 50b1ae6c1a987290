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
import type { Names, Place } from '../../cloud/greengrass/names.ts';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import { hasMark, markValue, objectDigest, objectMark } from './marks.ts';
import type { Found } from './state.ts';

/** A bucket, and the account that it has to belong to: S3 refuses each call to another one's of the same name. */
export interface OwnedBucket {
  Bucket: string;
  ExpectedBucketOwner: string;
}

export function ownedBucket({ bucket }: Names, { account }: Place): OwnedBucket {
  return { Bucket: bucket, ExpectedBucketOwner: account };
}

/** @throws AppError `not-allowed` where the bucket is another account's, as S3 says it */
export async function findBucket(s3: S3Client, bucket: OwnedBucket): Promise<Found['bucket']> {
  if ((await orAbsent(headBucket(s3, bucket))) === undefined) return undefined;
  const [tagging, block, policy, some] = await Promise.all([
    orAbsent(s3.send(new GetBucketTaggingCommand(bucket))),
    orAbsent(s3.send(new GetPublicAccessBlockCommand(bucket))),
    orAbsent(s3.send(new GetBucketPolicyCommand(bucket))),
    s3.send(new ListObjectsV2Command({ ...bucket, MaxKeys: 1 })),
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

async function headBucket(s3: S3Client, bucket: OwnedBucket): Promise<object> {
  try {
    return await s3.send(new HeadBucketCommand(bucket));
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'not-allowed') throw error;
    throw new AppError(
      error.reason,
      `the bucket ${bucket.Bucket} is another account's, or ${error.message} Give another name with --bucket if it is.`,
      { cause: error },
    );
  }
}

/**
 * Digests of the objects that `create` put there, by key. In a bucket that it made everything counts, for the bucket can
 * be deleted only when it is empty.
 */
export async function findObjects(s3: S3Client, bucket: OwnedBucket, made: boolean): Promise<Found['objects']> {
  const prefixes = made ? [''] : ownComponents.map((component) => `${component}/`);
  const objects: Found['objects'] = {};
  for (const Prefix of prefixes) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { ...bucket, Prefix })) {
      for (const { Key } of Contents) {
        if (Key === undefined) continue;
        const head = await orAbsent(s3.send(new HeadObjectCommand({ ...bucket, Key })));
        if (made || head?.Metadata?.[objectMark] === markValue) objects[Key] = head?.Metadata?.[objectDigest];
      }
    }
  }
  return objects;
}
