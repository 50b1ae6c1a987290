import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { startGitHubContents, type TestGitHub } from '../testing/github-contents.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { contentCommitted, contentCommittedType, contentItem, eventSource } from './contract.ts';
import { rights } from './rights.ts';
import { localGitHubPort, localSitePort } from './stack.ts';
import { startSite, type TestSite } from './test-site.ts';

const stack = 'ContentAggregatorStack';
const [repo, path, token] = ['aws-samples/content-aggregator-example', 'frontend/content.json', 'github_pat_cloud'];
const eventSchema = z.object({ source: z.string(), 'detail-type': z.string(), detail: contentCommitted });
const ignored = z.object({ url: z.string(), reason: z.string() });
const summary = z.object({
  ...{ found: z.int(), added: z.int(), failed: z.int() },
  ignored: z.array(ignored),
  saved: z.object({ commitSha: z.string(), added: z.int() }).partial().optional(),
});

/** Runs a feed to its end. */
async function run(feedUrl: string) {
  const sfn = client(SFNClient);
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: output(stack, 'MachineArn'), input: JSON.stringify({ feedUrl }) }),
  );
  return eventually(
    async () => {
      const { status, output: answer, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      expect(status).not.toBe('RUNNING');
      return { status, error, cause, text: answer ?? '{}' };
    },
    { limitMs: 90_000 },
  );
}

/** Runs a feed to its good end, and answers what it says of it. */
async function runWell(feedUrl: string) {
  const { status, error, cause, text } = await run(feedUrl);
  expect([status, error, cause]).toEqual(['SUCCEEDED', undefined, undefined]);
  return summary.parse(JSON.parse(text));
}

/** Site and GitHub of the tests are on loopback, where no function of AWS comes. */
describe.runIf(account.isLocal)('content-aggregator', () => {
  let site: TestSite;
  let github: TestGitHub;
  let told: () => Promise<readonly z.infer<typeof eventSchema>[]>;
  const show = async () => z.array(contentItem.partial()).parse(JSON.parse(await github.git(['show', `main:${path}`])));
  const linksOf = async () => (await show()).map(({ link }) => link);
  const commits = async () => (await github.git(['log', '--format=%H %s', 'main'])).split('\n');

  beforeAll(async () => {
    site = await startSite(localSitePort);
    github = await startGitHubContents({ repo, token, port: localGitHubPort });
    await github.commit('README.md', 'Site\n');
    await github.commit(
      path,
      JSON.stringify([{ title: 'Known', link: `${site.origin}/known.html?utm_source=old`, kind: 'video' }]),
    );
    const Name = output(stack, 'TokenParameter');
    await client(SSMClient).send(
      new PutParameterCommand({ Name, Value: token, Type: 'SecureString', Overwrite: true }),
    );
    told = await tellQueue();
  });

  afterAll(async () => {
    await site.stop();
    await github.stop();
  });

  test('deployed: the state machine is there, and nothing was compared or told before its first run', async () => {
    const { status } = await client(SFNClient).send(
      new DescribeStateMachineCommand({ stateMachineArn: output(stack, 'MachineArn') }),
    );
    expect(status).toBe('ACTIVE');
    const objects = createObjects(client(S3Client), output(stack, 'BucketName'));
    expect(await objects.find(`known/${await github.git(['rev-parse', `main:${path}`])}.json`)).toBeUndefined();
    expect(await told()).toEqual([]);
  });

  test('triggered: an execution commits the new posts, and the poison among them stops no other', async () => {
    const { found, added, failed, ignored, saved } = await runWell(`${site.origin}/feed.xml`);
    // In = committed + known + left out with a reason.
    expect([found, added, failed, ignored.length]).toEqual([6, 2, 3, 4]);
    expect(Object.fromEntries(ignored.map(({ url, reason }) => [url, reason]))).toEqual({
      [`${site.origin}/known.html/`]: 'Exists',
      [`${site.origin}/gone.html`]: 'DocumentRefused',
      [`${site.origin}/untitled.html`]: 'NotAPost',
      'http://169.254.169.254/latest/meta-data/': 'AddressNotAllowed',
    });
    expect(await show()).toEqual([
      {
        title: 'Advisory 17: humidity sensors drift & what to do',
        intro: 'Sensors of series H drift above 50 %RH.',
        ...{ author: 'Grace Example', date: 'Nov 10, 2026', tags: ['Firmware', 'Sensors'] },
        ...{ link: `${site.origin}/advisory-17.html`, image: `${site.origin}/images/advisory-17.png` },
      },
      expect.objectContaining({ link: `${site.origin}/firmware-2-1.html`, date: 'Nov 5, 2026' }),
      { title: 'Known', link: `${site.origin}/known.html?utm_source=old` },
    ]);
    const [newest, ...older] = await commits();
    expect(newest).toBe(`${saved?.commitSha} Updated content file`);
    expect(older).toHaveLength(2);
    expect(await github.git(['show', 'main:README.md'])).toBe('Site');
  });

  test('effect: the commit is told to whoever builds the site', async () => {
    const commitSha = await github.git(['rev-parse', 'main']);
    await eventually(async () => {
      expect(await told()).toEqual([
        { source: eventSource, 'detail-type': contentCommittedType, detail: { repo, path, commitSha } },
      ]);
    });
  });

  test('effect: a second run commits nothing and tells nobody', async () => {
    const before = await commits();
    expect(await runWell(`${site.origin}/feed.xml`)).toMatchObject({ found: 6, added: 0, failed: 3 });
    expect(await commits()).toEqual(before);
    expect(await told()).toHaveLength(1);
  });

  test('effect: a page that is not to be had is asked for four times, and left out of this run alone', async () => {
    const page = `${site.origin}/release-3.html`;
    site.pages.set('/release-3.html', (_, response) => response.writeHead(503).end());
    const { found, added, failed, ignored } = await runWell(`${site.origin}/atom.xml`);
    expect([found, added, failed]).toEqual([2, 0, 1]);
    expect(ignored).toContainEqual({
      url: page,
      reason: expect.stringMatching(/^(Unavailable|Runtime.HandlerError)$/),
    });
    expect(site.requests.filter((one) => one === '/release-3.html')).toHaveLength(4);
    site.pages.delete('/release-3.html');
  });

  test('effect: a feed of which no post can be read fails its run, and one without posts does not', async () => {
    const feed = (items: string) => `<rss version="2.0"><channel><title>t</title>${items}</channel></rss>`;
    site.pages.set('/bad.xml', (_, response) =>
      response.end(feed(`<item><title>t</title><link>${site.origin}/gone.html</link></item>`)),
    );
    site.pages.set('/empty.xml', (_, response) => response.end(feed('')));
    expect(await run(`${site.origin}/bad.xml`)).toMatchObject({ status: 'FAILED', error: 'EveryPostFailed' });
    expect(await runWell(`${site.origin}/empty.xml`)).toMatchObject({ found: 0, added: 0, failed: 0 });
  });

  test('effect: an Atom feed is merged with what somebody commits meanwhile, and a lost answer doubles nothing', async () => {
    github.troubles.set('PUT', [
      {
        kind: 'meanwhile',
        work: async () => void (await github.commit(path, JSON.stringify([{ title: 'By hand' }, ...(await show())]))),
      },
      { kind: 'lost' },
    ]);
    const { added, saved } = await runWell(`${site.origin}/atom.xml`);
    expect(added).toBe(1);
    expect(await linksOf()).toEqual(
      [`/release-3.html`, undefined, '/advisory-17.html', '/firmware-2-1.html', '/known.html?utm_source=old'].map(
        (link) => (link === undefined ? undefined : `${site.origin}${link}`),
      ),
    );
    expect((await commits()).map((line) => line.slice(41))).toEqual([
      ...['Updated content file', 'By somebody else', 'Updated content file', 'By somebody else', 'By somebody else'],
    ]);
    expect(saved?.commitSha).toBe(await github.git(['rev-parse', 'main']));
    await eventually(async () => expect((await told()).at(-1)?.detail.commitSha).toBe(saved?.commitSha));
  });

  test('effect: a commit that nobody was told of is told by the next run that commits nothing, and not again', async () => {
    const commitSha = await github.commit(path, JSON.stringify([...(await show()), { title: 'By hand, of old' }]));
    expect((await runWell(`${site.origin}/feed.xml`)).saved).toEqual({ commitSha });
    await eventually(async () => expect((await told()).at(-1)?.detail.commitSha).toBe(commitSha));
    expect((await runWell(`${site.origin}/feed.xml`)).saved).toEqual({});
  });

  test('effect: a feed that is none, or that nobody allowed, fails its run, and says with what', async () => {
    expect(await run(`${site.origin}/known.html`)).toMatchObject({
      status: 'FAILED',
      cause: expect.stringContaining('neither RSS 2.0 nor Atom'),
    });
    expect(await run('http://169.254.169.254/feed.xml')).toMatchObject({
      status: 'FAILED',
      cause: expect.stringContaining('not on an allowed host'),
    });
  });

  test('rights: a function that may not read the token is denied, and says so', async () => {
    const role = output(stack, 'WriteToGitHubRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('ssm:GetParameter'));
    if (statement === undefined) throw new Error(`${role} may not read the token at all`);
    const item = {
      title: 't',
      intro: '',
      author: '',
      date: 'Nov 1, 2026',
      link: `${site.origin}/x`,
      image: '',
      tags: [],
    };
    const invoke = async () => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'WriteToGitHubName'),
          Payload: JSON.stringify({ items: [item] }),
        }),
      );
      return Buffer.from(Payload ?? []).toString();
    };
    expect(await withoutStatement(role, statement, invoke)).toContain('ssm:GetParameter');
    expect(await linksOf()).not.toContain(item.link);
    expect(JSON.parse(await invoke())).toMatchObject({ added: 1 });
    expect(await linksOf()).toContain(item.link);
  });
});

/** A queue that gets the events of the room, as another room would. */
async function tellQueue() {
  const [sqs, events] = [client(SQSClient), client(EventBridgeClient)];
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'content-aggregator-told' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const Resource = Attributes?.['QueueArn'];
  const Principal = { Service: 'events.amazonaws.com' };
  const Statement = [{ Effect: 'Allow', Principal, Action: 'sqs:SendMessage', Resource }];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const EventPattern = JSON.stringify({ source: [eventSource], 'detail-type': [contentCommittedType] });
  await events.send(new PutRuleCommand({ Name: 'content-aggregator-told', EventPattern }));
  await events.send(
    new PutTargetsCommand({ Rule: 'content-aggregator-told', Targets: [{ Id: 'queue', Arn: Resource }] }),
  );
  return takeMessages(QueueUrl, eventSchema);
}

describeRights('content-aggregator', { stack, rights });
