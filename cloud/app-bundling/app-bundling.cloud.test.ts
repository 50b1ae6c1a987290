import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BatchGetBuildsCommand, CodeBuildClient, ListBuildsForProjectCommand } from '@aws-sdk/client-codebuild';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hasBrowser, launchBrowser } from '../../device/simulation/browser.ts';
import { contentCommittedType, eventSource } from '../content-aggregator/contract.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { http } from '../testing/http-request.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { helloAnswer } from './contract.ts';
import { rights } from './rights.ts';
import { contentTypeOf, serveSite } from './site/test-site-server.ts';

const stack = 'AppBundlingStack';
const projectName = output(stack, 'ProjectName');
const Bucket = output(stack, 'SiteBucketName');
const takeParked = takeMessages(output(stack, 'ParkingQueueUrl'), z.object({ id: z.string(), reason: z.string() }));

async function builds(): Promise<string[]> {
  const { ids = [] } = await client(CodeBuildClient).send(new ListBuildsForProjectCommand({ projectName }));
  return ids;
}

async function tell(detail: object): Promise<void> {
  const { FailedEntryCount } = await client(EventBridgeClient).send(
    new PutEventsCommand({
      Entries: [{ Source: eventSource, DetailType: contentCommittedType, Detail: JSON.stringify(detail) }],
    }),
  );
  expect(FailedEntryCount).toBe(0);
}

const commit = (digit: string, repo = output(stack, 'Repository')) => ({
  ...{ repo, path: `content/${digit}.md` },
  commitSha: digit.repeat(40),
});

/** What a build of the site does here: its first command of our own, and then what its last two do with the CDK's bucket. */
async function build(folder: string): Promise<string[]> {
  await promisify(execFile)('npm', ['run', 'site', '--', '--output', folder], { cwd: resolve('.') });
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
}

async function readPage(Key: string): Promise<Uint8Array | undefined> {
  try {
    const { Body } = await client(S3Client).send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToByteArray();
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

describe('app-bundling', () => {
  test('deployed: the Go function answers the event of an HTTP API as the architecture that it was built for', async () => {
    const event = { version: '2.0', requestContext: { requestId: 'one', http: { method: 'GET' } } };
    const { FunctionError, Payload } = await client(LambdaClient).send(
      new InvokeCommand({ FunctionName: output(stack, 'HelloName'), Payload: JSON.stringify(event) }),
    );
    expect(FunctionError).toBeUndefined();
    const { statusCode, body } = z
      .object({ statusCode: z.int(), body: z.string() })
      .parse(JSON.parse(Buffer.from(Payload ?? []).toString()));
    expect(statusCode).toBe(200);
    const architecture = process.arch === 'arm64' || !account.isLocal ? 'arm64' : 'amd64';
    expect(helloAnswer.parse(JSON.parse(body))).toMatchObject({ architecture, requestId: 'one' });
  });

  test('deployed: what is no request fails the call, and the function answers the next one', async () => {
    const lambda = client(LambdaClient);
    const FunctionName = output(stack, 'HelloName');
    const failed = await lambda.send(new InvokeCommand({ FunctionName, Payload: '{"version":"1.0"}' }));
    expect(failed.FunctionError).toBeDefined();
    expect(Buffer.from(failed.Payload ?? []).toString()).toContain('none of an HTTP API');
    const { status } = await http(`${output(stack, 'ApiUrl')}/hello`);
    expect(status).toBe(200);
  });

  test('triggered: GET /hello is answered by the Go function, and no other route is there', async () => {
    const url = output(stack, 'ApiUrl');
    const { status, headers, body } = await http(`${url}/hello`);
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    expect(helloAnswer.parse(JSON.parse(body)).message).toBe('hello');
    expect((await http(`${url}/other`)).status).toBe(404);
    expect((await http(`${url}/hello`, { method: 'POST', body: '{}' })).status).toBeGreaterThanOrEqual(400);
  });

  test('triggered: a commit starts a build of the site; of commits to others and of poison there is none', async () => {
    const before = await builds();
    const parked = (await takeParked()).length;
    await tell(commit('1', 'somebody/else'));
    await tell({ repo: 'no repository' });
    await client(SQSClient).send(
      new SendMessageCommand({ QueueUrl: output(stack, 'CommitsUrl'), MessageBody: 'hello' }),
    );
    await eventually(async () => expect((await takeParked()).length - parked).toBe(2), { limitMs: 60_000 });
    expect((await takeParked()).map(({ reason }) => reason).toSorted()).toEqual(['bad-schema', 'not-json']);
    expect(await builds()).toEqual(before);
    await tell(commit('2'));
    const ids = await eventually(
      async () => {
        const started = (await builds()).filter((id) => !before.includes(id));
        expect(started).toHaveLength(1);
        return started;
      },
      { limitMs: 60_000 },
    );
    const { builds: [started] = [] } = await client(CodeBuildClient).send(new BatchGetBuildsCommand({ ids }));
    expect(started?.source?.location).toBe(`https://github.com/${output(stack, 'Repository')}.git`);
  });

  test('effect: what a build writes is what a browser reads, from page to page, and nobody reads the bucket itself', async () => {
    const folder = join(account.folder, 'site');
    const files = await build(folder);
    expect(files).toContain('cloud/app-bundling/index.html');
    await Promise.all(
      files.map((Key) =>
        client(S3Client).send(
          new PutObjectCommand({ Bucket, Key, Body: readFileSync(join(folder, Key)), ContentType: contentTypeOf(Key) }),
        ),
      ),
    );
    if (account.isLocal) {
      expect((await http(`${account.endpoint}/${Bucket}/index.html`)).status).toBe(403);
    }
    if (!hasBrowser) return;
    const server = await serveSite(readPage);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.locator('main').getByRole('link', { name: 'cloud/README.md' }).first().click();
      await page.locator('main').getByRole('link', { name: 'app-bundling' }).first().click();
      await page.getByRole('heading', { level: 1, name: 'app-bundling' }).waitFor();
    } finally {
      await browser.close();
      await server.stop();
    }
  });

  test('rights: a function that may not start builds is denied, and its commits come again', async () => {
    const invoke = async () => {
      const body = JSON.stringify({ source: eventSource, 'detail-type': contentCommittedType, detail: commit('3') });
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'StartRebuildName'),
          Payload: JSON.stringify({ Records: [{ messageId: 'm1', body }] }),
        }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    const role = output(stack, 'StartRebuildRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('codebuild:StartBuild'));
    if (statement === undefined) throw new Error(`${role} may not start builds at all`);
    const before = await builds();
    expect(await withoutStatement(role, statement, invoke)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(await builds()).toEqual(before);
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    expect(await builds()).toHaveLength(before.length + 1);
  });
});

describeRights('app-bundling', { stack, rights });
