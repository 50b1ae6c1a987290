import {
  type CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
  type Stack,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { DeleteObjectsCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { messageOf } from '../../device/platform/errors.ts';

export interface Removal {
  cloudFormation: CloudFormationClient;
  s3: S3Client;
  /** Names of the stacks that this run has made. What others have made is none of its business. */
  stacks: readonly string[];
  /** Removes them all. */
  destroy(): Promise<void>;
}

/**
 * Removes the stacks with all that is in their buckets. Whatever fails is told and does not keep the rest from being removed.
 * @returns a line for each thing that is left: what is kept on purpose, stacks that stayed, what could not be asked for
 */
export async function removeAll({ cloudFormation, s3, stacks, destroy }: Removal): Promise<string[]> {
  const left: string[] = [];
  const ids = new Map<string, string>();
  for (const name of stacks) {
    try {
      const id = (await stackCalled(cloudFormation, name))?.StackId;
      if (id === undefined) continue;
      ids.set(name, id);
      await emptyBuckets(s3, await resourcesIn(cloudFormation, id));
    } catch (error) {
      left.push(`perhaps something of ${name}, as AWS says: ${messageOf(error)}`);
    }
  }
  await destroy().catch((error: unknown) => void left.push(`what this kept from being removed: ${messageOf(error)}`));
  for (const [name, id] of ids) {
    try {
      const status = await statusOf(cloudFormation, name);
      if (status !== undefined) left.push(`stack ${name} (${status})`);
      const resources = await resourcesIn(cloudFormation, id);
      left.push(
        ...resources
          .filter(({ ResourceStatus }) => ResourceStatus !== 'DELETE_COMPLETE')
          .map(({ ResourceType, PhysicalResourceId }) => `${ResourceType} ${PhysicalResourceId} of ${name}`),
      );
    } catch (error) {
      left.push(`perhaps stack ${name}, as AWS says: ${messageOf(error)}`);
    }
  }
  return left;
}

/** A bucket that has objects, or versions of them, is not deleted with its stack. */
async function emptyBuckets(s3: S3Client, resources: readonly StackResourceSummary[]): Promise<void> {
  for (const { ResourceType, PhysicalResourceId: Bucket } of resources) {
    if (ResourceType !== 'AWS::S3::Bucket' || Bucket === undefined) continue;
    for (;;) {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
      if (Objects.length === 0) break;
      const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      const [first] = Errors;
      if (first !== undefined) throw new Error(`${Bucket} keeps ${first.Key}: ${first.Code} ${first.Message}`);
    }
  }
}

async function resourcesIn(cloudFormation: CloudFormationClient, StackName: string): Promise<StackResourceSummary[]> {
  const resources: StackResourceSummary[] = [];
  for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
    resources.push(...(page.StackResourceSummaries ?? []));
  }
  return resources;
}

async function stackCalled(cloudFormation: CloudFormationClient, name: string): Promise<Stack | undefined> {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    return Stacks?.[0];
  } catch (error) {
    if (messageOf(error).includes('does not exist')) return undefined;
    throw error;
  }
}

/** What CloudFormation says of a stack; undefined where there is none. @throws the SDK's error */
export async function statusOf(cloudFormation: CloudFormationClient, name: string): Promise<string | undefined> {
  const stack = await stackCalled(cloudFormation, name);
  return stack?.StackStatus === 'DELETE_COMPLETE' ? undefined : stack?.StackStatus;
}
