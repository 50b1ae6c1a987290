import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  DeleteObjectCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { rooms } from '../../cloud/rooms.ts';
import { client, account as testAccount } from '../../cloud/testing/clients.ts';
import { deploy, destroy } from './cdk.ts';
import { removeAll } from './removal.ts';

interface Told {
  code: number;
  output: string;
}

/** The mode for AWS, its credentials being those of the local account. */
function testOnAws(args: readonly string[], input = '', change: Record<string, string> = {}): Promise<Told> {
  return new Promise((resolve) => {
    const all = ['--import', 'tsx', 'scripts/cloud/main.ts', 'test', ...args];
    const child = execFile(process.execPath, all, { env: { ...process.env, ...change } }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

const account = ['--account', '000000000000', '--region', 'eu-west-1'];
/** Where the local account has no stacks. */
const elsewhere = ['--account', '000000000000', '--region', 'eu-central-1'];
const paid = rooms.find(({ fixedMonthlyUsd }) => fixedMonthlyUsd > 0);

describe('the mode for an AWS account', () => {
  it('does nothing where the credentials are of another account', async () => {
    const { code, output } = await testOnAws(['--account', '111111111111', '--region', 'eu-west-1']);
    expect(code).toBe(1);
    expect(output).toContain('of account 000000000000, and --account says 111111111111. Nothing was done.');
  });

  it('does nothing without credentials that AWS accepts', async () => {
    const { code, output } = await testOnAws(account, '', { AWS_ENDPOINT_URL: 'https://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(output).toContain('AWS does not say who you are');
  });

  it.runIf(paid !== undefined)('leaves out a room with a fixed cost, unless it is asked for', async () => {
    const { code, output } = await testOnAws([...account, '--room', paid?.name ?? '']);
    expect(code).toBe(1);
    expect(output).toContain(`${paid?.name} ($${paid?.fixedMonthlyUsd} a month)`);
    expect(output).toContain('give --with-paid');
  });

  it.runIf(paid !== undefined)(
    'prints what it would create and what that costs, and does nothing unless told to',
    async () => {
      const { code, output } = await testOnAws([...elsewhere, '--with-paid', '--room', paid?.name ?? ''], 'yes\n');
      const [, printed] = /fixed cost: \$([\d.]+) a month/.exec(output) ?? [];
      // Its alarms come on top.
      expect(Number(printed)).toBeGreaterThan(paid?.fixedMonthlyUsd ?? 0);
      expect(output).toContain('That is not the account id. Nothing was done.');
      expect(code).toBe(1);
    },
  );

  it('removes a stack with all versions of all objects in its bucket', async () => {
    const folder = join(testAccount.folder, 'removal');
    const [assembly, outputs] = [join(folder, 'cdk.out'), join(folder, 'outputs.json')];
    const stack = buildBucket(assembly);
    const step = { assembly, env: process.env, logFile: join(folder, 'cdk.log'), limitMs: 60_000 };
    await deploy(step, outputs);
    const s3 = client(S3Client);
    const found = JSON.parse(readFileSync(outputs, 'utf8'));
    const { Versioned } = z.record(z.string(), z.record(z.string(), z.string())).parse(found)[stack] ?? {};
    // A second version of one object, and a mark that another is deleted.
    for (const Key of ['twice', 'twice', 'deleted'])
      await s3.send(new PutObjectCommand({ Bucket: Versioned, Key, Body: 'x' }));
    await s3.send(new DeleteObjectCommand({ Bucket: Versioned, Key: 'deleted' }));

    const versions = async () => {
      const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: Versioned }));
      return [...(listed.Versions ?? []), ...(listed.DeleteMarkers ?? [])].map(({ Key }) => Key).toSorted();
    };
    expect(await versions()).toEqual(['deleted', 'deleted', 'twice', 'twice']);
    let atDestruction: unknown;
    const left = await removeAll({
      ...{ cloudFormation: client(CloudFormationClient), s3, stacks: [stack] },
      async destroy() {
        // AWS would refuse to delete a bucket that has any; the local account does not.
        atDestruction = await versions();
        await destroy(step);
      },
    });
    expect(atDestruction).toEqual([]);
    expect(left).toEqual([]);
    await expect(s3.send(new HeadBucketCommand({ Bucket: Versioned }))).rejects.toThrow();
  });
});

/** A stack that needs nothing of the CDK in the account; answers its name. */
function buildBucket(outdir: string): string {
  const app = new App({ outdir, context: { '@aws-cdk/core:newStyleStackSynthesis': false } });
  const stack = new Stack(app, 'RemovalTest');
  const bucket = new Bucket(stack, 'Versioned', { versioned: true, removalPolicy: RemovalPolicy.DESTROY });
  new CfnOutput(stack, 'VersionedName', { key: 'Versioned', value: bucket.bucketName });
  app.synth();
  return stack.stackName;
}
