import { readFile } from 'node:fs/promises';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { bucketPolicy, rolePermissions, rolePolicyName, roleTrust } from '../../cloud/greengrass/definition.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { orAbsent, orExists } from './aws-error.ts';
import { type Context, onceLetGo } from './context.ts';
import { ownedBucket } from './look-up-bucket.ts';
import { markTagList, markValue, objectDigest, objectMark } from './marks.ts';
import type { Artifact } from './state.ts';

export async function createRole({ clients, names, place }: Context): Promise<void> {
  await clients.iam.send(
    new CreateRoleCommand({
      RoleName: names.role,
      Description: 'Credentials of Greengrass core devices, through the token exchange service.',
      AssumeRolePolicyDocument: JSON.stringify(roleTrust(place)),
      Tags: markTagList,
    }),
  );
}

export async function updateRoleTrust({ clients, names, place }: Context): Promise<void> {
  const PolicyDocument = JSON.stringify(roleTrust(place));
  await clients.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: names.role, PolicyDocument }));
}

export async function putRolePermissions({ clients, names, place }: Context): Promise<void> {
  const PolicyDocument = JSON.stringify(rolePermissions(names, place));
  await clients.iam.send(
    new PutRolePolicyCommand({ RoleName: names.role, PolicyName: rolePolicyName, PolicyDocument }),
  );
}

export async function deleteRole(context: Context, hasPermissions: boolean): Promise<void> {
  const { iam } = context.clients;
  const RoleName = context.names.role;
  if (hasPermissions) {
    await orAbsent(iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: rolePolicyName })));
  }
  await onceLetGo(context, () => iam.send(new DeleteRoleCommand({ RoleName })));
}

export async function createSecret(context: Context): Promise<void> {
  const { ARN } = await context.clients.secrets.send(
    new CreateSecretCommand({
      Name: context.names.secret,
      Description: 'ServiceNow credentials of the anomaly handler.',
      SecretString: await context.secretValue(),
      Tags: markTagList,
    }),
  );
  if (ARN !== undefined) context.known.secret = ARN;
}

export async function restoreSecret({ clients, names }: Context): Promise<void> {
  await clients.secrets.send(new RestoreSecretCommand({ SecretId: names.secret }));
}

export async function updateSecret(context: Context): Promise<void> {
  const SecretString = await context.secretValue();
  await context.clients.secrets.send(new PutSecretValueCommand({ SecretId: context.names.secret, SecretString }));
}

/** What is scheduled already is restored first: AWS deletes at once only what is not being deleted. */
export async function deleteSecret({ clients, names }: Context, force: boolean, scheduled: boolean): Promise<void> {
  const SecretId = names.secret;
  if (scheduled) await clients.secrets.send(new RestoreSecretCommand({ SecretId }));
  const how = force ? { ForceDeleteWithoutRecovery: true } : {};
  await orAbsent(clients.secrets.send(new DeleteSecretCommand({ SecretId, ...how })));
}

/** The client adds the region. */
export async function createBucket({ clients, names }: Context): Promise<void> {
  await orExists(clients.s3.send(new CreateBucketCommand({ Bucket: names.bucket })));
}

export async function markBucket({ clients, names, place }: Context): Promise<void> {
  await clients.s3.send(
    new PutBucketTaggingCommand({ ...ownedBucket(names, place), Tagging: { TagSet: markTagList } }),
  );
}

export async function blockPublicAccess({ clients, names, place }: Context): Promise<void> {
  await clients.s3.send(
    new PutPublicAccessBlockCommand({
      ...ownedBucket(names, place),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
}

export async function putBucketPolicy({ clients, names, place }: Context): Promise<void> {
  const Policy = JSON.stringify(bucketPolicy(names, place));
  await clients.s3.send(new PutBucketPolicyCommand({ ...ownedBucket(names, place), Policy }));
}

/** S3 checks the digest: what arrives damaged is refused. */
export async function upload({ clients, names, place }: Context, { key, file, sha256 }: Artifact): Promise<void> {
  await clients.s3.send(
    new PutObjectCommand({
      ...ownedBucket(names, place),
      Key: key,
      Body: await read(file),
      ContentType: 'application/zip',
      ChecksumSHA256: sha256,
      Metadata: { [objectMark]: markValue, [objectDigest]: sha256 },
    }),
  );
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new AppError('no-artifact', `Cannot read ${file}: ${messageOf(error)}. Build it: npm run package.`, {
      cause: error,
    });
  }
}

export async function deleteObjects({ clients, names, place }: Context, keys: string[]): Promise<void> {
  const bucket = ownedBucket(names, place);
  for (const Key of keys) await orAbsent(clients.s3.send(new DeleteObjectCommand({ ...bucket, Key })));
}

export async function deleteBucket({ clients, names, place }: Context): Promise<void> {
  await orAbsent(clients.s3.send(new DeleteBucketCommand(ownedBucket(names, place))));
}
