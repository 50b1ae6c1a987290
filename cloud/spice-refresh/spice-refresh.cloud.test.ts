import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetJobRunsCommand, GlueClient, type JobRun } from '@aws-sdk/client-glue';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { queryAthena } from '../shared/lake/query.aws.ts';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { glueSource, jobStateChange, manifest, rawKeyArgument } from './contract.ts';
import { manifestKey } from './outputs.aws.ts';
import { rights } from './rights.ts';
import { header, ride } from './test-rides.ts';

const stack = 'SpiceRefreshBlog';
const JobName = output(stack, 'JobName');
const documents = DynamoDBDocumentClient.from(client(DynamoDBClient));
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ id: z.string(), reason: z.string(), detail: z.string(), data: z.string() }),
);
const takeFailed = takeMessages(
  output(stack, 'FailedRunsUrl'),
  z.object({ detail: z.looseObject({ jobRunId: z.string() }) }),
);

const upload = (Key: string, lines: readonly string[]) =>
  client(S3Client).send(new PutObjectCommand({ Bucket: output(stack, 'RawBucketName'), Key, Body: lines.join('\n') }));

async function runsOf(rawKey: string): Promise<JobRun[]> {
  const { JobRuns = [] } = await client(GlueClient).send(new GetJobRunsCommand({ JobName }));
  return JobRuns.filter(({ Arguments }) => Arguments?.[rawKeyArgument] === rawKey);
}

/** The run of a raw object, when it has ended. */
const endedRun = (rawKey: string) =>
  eventually(
    async () => {
      const [run] = await runsOf(rawKey);
      expect({ state: run?.JobRunState, error: run?.ErrorMessage }).toEqual({ state: 'SUCCEEDED', error: '' });
      return z.object({ Id: z.string() }).parse(run).Id;
    },
    { limitMs: 60_000 },
  );

/** What Glue tells of a run; the local account tells nothing. */
async function tellEnd(jobRunId: string, state = 'SUCCEEDED', jobName = JobName): Promise<void> {
  if (!account.isLocal) return;
  const Detail = JSON.stringify({ jobName, jobRunId, state, severity: 'INFO', message: '' });
  await client(EventBridgeClient).send(
    new PutEventsCommand({
      Entries: [{ Source: glueSource.local, DetailType: jobStateChange, Detail, Time: new Date() }],
    }),
  );
}

const mapTo = (dataSets: readonly unknown[], jobName = JobName) =>
  documents.send(new PutCommand({ TableName: output(stack, 'MapTableName'), Item: { jobName, dataSets } }));

async function startsOf(dataSetId: string): Promise<string[]> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: output(stack, 'StateTableName'), Key: { dataSetId }, ConsistentRead: true }),
  );
  const { starts } = z.object({ starts: z.array(z.object({ jobRunId: z.string() })) }).parse(Item ?? { starts: [] });
  return starts.map(({ jobRunId }) => jobRunId);
}

async function text(Key: string): Promise<string> {
  const { Body } = await client(S3Client).send(
    new GetObjectCommand({ Bucket: output(stack, 'ProcessedBucketName'), Key }),
  );
  return (await Body?.transformToString()) ?? '';
}

async function rides(day: string): Promise<readonly (readonly (string | null)[])[]> {
  const { rows } = await queryAthena({
    athena: client(AthenaClient),
    workgroup: output(stack, 'WorkgroupName'),
    database: output(stack, 'DatabaseName'),
    sql: `SELECT distance_miles, total_usd FROM processed_taxi_data WHERE day = '${day}' ORDER BY distance_miles`,
    sleep: (ms) => pause(ms),
  });
  return rows;
}

describe('spice-refresh', () => {
  test('deployed: the table is there and has no rows', async () => {
    expect(await rides('2026-01-02')).toEqual([]);
  });

  test('triggered: a file that is uploaded is rows of its day, and the data sets of its job are refreshed when the run has ended [moto]', async () => {
    await mapTo([
      { dataSetId: 'rides' },
      { dataSetId: 'tips', ingestionType: 'INCREMENTAL_REFRESH', minIntervalMinutes: 0.05 },
    ]);
    await upload('raw/january 1.csv', [header, ride(), ride({ 1: '2026-01-01 23:59:59', 4: '1.5' })]);
    const run = await endedRun('raw/january 1.csv');
    await tellEnd(run);
    await eventually(async () => {
      expect(await startsOf('rides')).toEqual([run]);
      expect(await startsOf('tips')).toEqual([run]);
    });
    expect(await rides('2026-01-02')).toEqual([['3.5', '21.16']]);
    expect(await rides('2026-01-01')).toEqual([['1.5', '21.16']]);
  });

  test('effect: rows in = out + rejected, each once, though the file comes twice; what it no longer has goes', async () => {
    const key = 'raw/mixed.csv';
    const lines = Array.from({ length: 100 }, (_, place) =>
      place % 10 === 9
        ? `poison ${place}`
        : ride({ 1: '2026-02-03 00:00:00', 2: '2026-02-03 01:00:00', 4: String(place) }),
    );
    await upload(key, [header, ...lines, ride({ 1: '2026-02-04 00:00:00', 2: '2026-02-04 01:00:00' })]);
    await endedRun(key);
    expect(await rides('2026-02-04')).toHaveLength(1);
    const poison = lines.filter((line) => line.startsWith('poison'));
    const source = createHash('sha256').update(key).digest('hex').slice(0, 16);
    const rejects = await text(`rejects/${source}.csv`);
    expect(rejects.trim().split('\n')).toEqual([
      'line_number,reason,line',
      ...poison.map((line, place) => `${place * 10 + 11},too few columns,${line}`),
    ]);
    await upload(key, [header, ...lines]);
    await eventually(
      async () => {
        const found = manifest.parse(JSON.parse(await text(manifestKey(key))));
        expect(found).toMatchObject({ rawKey: key, rowsIn: 100, rowsOut: 90, rowsRejected: 10 });
      },
      { limitMs: 60_000 },
    );
    await eventually(async () => expect(await rides('2026-02-04')).toEqual([]));
    expect((await rides('2026-02-03')).map(([miles]) => Number(miles))).toEqual(
      lines.flatMap((line, place) => (line.startsWith('poison') ? [] : [place])),
    );
  });

  test('effect: of ends of runs each starts, waits for its data set, is dropped or is parked, and none twice', async () => {
    const before = (await takeParked()).length;
    const lost = await (async () => {
      await upload('raw/lost.csv', [header, ride({ 1: '2026-03-01 00:00:00', 2: '2026-03-01 01:00:00' })]);
      const run = await endedRun('raw/lost.csv');
      const lostManifest = { Bucket: output(stack, 'ProcessedBucketName'), Key: manifestKey('raw/lost.csv') };
      await client(S3Client).send(new DeleteObjectCommand(lostManifest));
      return run;
    })();
    await mapTo([{ dataSetId: 'many', minIntervalMinutes: 0.05 }], 'another-job');
    await mapTo([{ dataSetId: 'no blanks allowed' }], 'badly-mapped');
    await tellEnd('run-1', 'SUCCEEDED', 'another-job');
    await eventually(async () => expect(await startsOf('many')).toEqual(['run-1']));
    // Three more within the interval are one trailing refresh; the first comes a second time.
    await pause(1_100);
    for (const run of ['run-2', 'run-3', 'run-4', 'run-1']) await tellEnd(run, 'SUCCEEDED', 'another-job');
    await tellEnd('run-5', 'SUCCEEDED', 'nobody-knows');
    await tellEnd('run-6', 'SUCCEEDED', 'badly-mapped');
    await tellEnd(lost);
    await client(SQSClient).send(
      new SendMessageCommand({ QueueUrl: output(stack, 'RequestsUrl'), MessageBody: 'hello' }),
    );
    await eventually(async () => {
      const found = (await takeParked()).slice(before);
      expect(found.map(({ reason }) => reason).toSorted()).toEqual(['bad-map-row', 'no-output', 'not-json']);
      expect(found.find(({ reason }) => reason === 'no-output')?.detail).toContain(lost);
      const starts = await startsOf('many');
      expect(starts).toHaveLength(2);
      expect(starts).toContain('run-1');
    });
  });

  test('effect: a run that fails waits for a person', async () => {
    await tellEnd('run-failed', 'FAILED');
    await eventually(async () => {
      expect((await takeFailed()).map(({ detail }) => detail.jobRunId)).toContain('run-failed');
    });
  });

  test('rights: a function that may not start the job is denied, and says so', async () => {
    const records = [{ s3: { object: { key: 'raw/denied.csv', size: 10 } } }];
    const event = { Records: [{ messageId: 'm1', body: JSON.stringify({ Records: records }) }] };
    const invoke = async () => {
      const { FunctionError, Payload } = await client(LambdaClient).send(
        new InvokeCommand({ FunctionName: output(stack, 'StartJobsName'), Payload: JSON.stringify(event) }),
      );
      return { FunctionError, text: Buffer.from(Payload ?? []).toString() };
    };
    const role = output(stack, 'StartJobsRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('glue:StartJobRun'));
    if (statement === undefined) throw new Error(`${role} may not start the job at all`);
    const denied = await withoutStatement(role, statement, invoke);
    expect(denied.FunctionError).toBeDefined();
    expect(denied.text).toContain('glue:StartJobRun');
    expect(await runsOf('raw/denied.csv')).toEqual([]);
    expect(JSON.parse((await invoke()).text)).toEqual({ batchItemFailures: [] });
    expect(await runsOf('raw/denied.csv')).toHaveLength(1);
  });
});

describeRights('spice-refresh', { stack, rights });
