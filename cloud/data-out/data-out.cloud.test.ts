import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readingMessage } from '../../device/reading/reading.ts';
import { client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { rights } from './rights.ts';

const stack = 'DataOutStack';
const s3 = client(S3Client);
const takeParked = takeMessages(
  output(stack, 'ParkingQueueUrl'),
  z.object({ id: z.string(), reason: z.string(), data: z.base64() }),
);

const put = (Key: string, Body: string) =>
  s3.send(new PutObjectCommand({ Bucket: output(stack, 'SourceBucketName'), Key, Body }));

/** Files that were delivered below a folder, by the end of their names, in order. */
async function delivered(Prefix: string): Promise<Map<string, string>> {
  const Bucket = output(stack, 'DeliveredBucketName');
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  const files = new Map<string, string>();
  for (const { Key = '' } of Contents.toSorted((a, b) => ((a.Key ?? '') < (b.Key ?? '') ? -1 : 1))) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    files.set(Key.split('/').at(-1) ?? Key, (await Body?.transformToString()) ?? '');
  }
  return files;
}

const manifestSchema = z.object({
  ...{ slices: z.int(), lines: z.int(), rejected: z.int(), bytesIn: z.int() },
  computedUsdPerGb: z.number().positive(),
});

/** The files of an export, once it says that it is whole. */
const whole = (folder: string) =>
  eventually(
    async () => {
      const files = await delivered(folder);
      const text = files.get('_manifest.json');
      expect(text).toBeDefined();
      return { files, manifest: manifestSchema.parse(JSON.parse(text ?? '')) };
    },
    { limitMs: 60_000, everyMs: 300 },
  );

/** Folders of the jobs of an object, once so many say that they are whole. */
const wholeJobs = (Prefix: string, count: number) =>
  eventually(
    async () => {
      const Bucket = output(stack, 'DeliveredBucketName');
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
      const manifests = Contents.flatMap(({ Key = '' }) => (Key.endsWith('/_manifest.json') ? [Key] : []));
      expect(manifests).toHaveLength(count);
      return manifests.map((key) => key.replace('_manifest.json', ''));
    },
    { limitMs: 60_000, everyMs: 300 },
  );

/** As a device publishes it. */
const reading = (place: number) =>
  JSON.stringify(
    readingMessage.parse({
      ...{ version: 1, deviceId: `press-${place}`, site: 'hall 2, east', seq: place },
      ts: new Date(1_767_323_045_000 + place).toISOString(),
      ...{ metrics: { temperature: 21.5, humidity: 40 }, bootId: 'b1', monotonicMs: place },
      ...{ clockSynchronised: true, clockSource: 'chrony' },
    }),
  );
const rowsOf = (files: ReadonlyMap<string, string>) =>
  [...files].filter(([name]) => name.startsWith('part-')).flatMap(([, text]) => text.split('\n').slice(1, -1));

describe('data-out', () => {
  test('deployed: nothing is delivered before there is an object', async () => {
    expect((await delivered('')).size).toBe(0);
  });

  test('triggered: an object of readings is delivered in slices, each line once and in order', async () => {
    const lines = Array.from({ length: 100 }, (_, place) => reading(place));
    const body = `${lines.join('\n')}\n`;
    await put('exports/readings-csv/day.ndjson', body);
    const { files, manifest } = await whole('readings-csv/day.ndjson/');
    expect(manifest).toMatchObject({ lines: 100, rejected: 0, bytesIn: body.length });
    expect(manifest.slices).toBe(Math.ceil(body.length / 4_096));
    const rows = rowsOf(files);
    expect(rows.map((row) => row.split(',')[0])).toEqual(lines.map((_, place) => `press-${place}`));
    expect(rows[7]).toBe(`press-7,${new Date(1_767_323_045_007).toISOString()},"hall 2, east",21.5,40`);
  });

  test('effect: of good lines, poison, an object put twice and one of nobody each is delivered, refused or parked, once', async () => {
    const before = (await takeParked()).length;
    const lines = Array.from({ length: 60 }, (_, place) => (place % 10 === 9 ? `poison ${place}` : reading(place)));
    await put('exports/readings-csv/mixed.ndjson', lines.join('\n'));
    await whole('readings-csv/mixed.ndjson/');
    const [first] = await wholeJobs('readings-csv/mixed.ndjson/', 1);
    await put('exports/readings-csv/mixed.ndjson', lines.join('\n'));
    await put('exports/nobody/a.ndjson', 'x');
    await client(SQSClient).send(
      new SendMessageCommand({ QueueUrl: output(stack, 'ReadingsCsvUrl'), MessageBody: 'hello' }),
    );
    await eventually(async () => expect((await takeParked()).length - before).toBe(2), { limitMs: 60_000 });
    const parked = (await takeParked()).slice(before);
    expect(parked.map(({ reason }) => reason).toSorted()).toEqual(['not-json', 'unknown-destination']);
    // The object that is put again is a job of its own, which has each line once too.
    const jobs = await wholeJobs('readings-csv/mixed.ndjson/', 2);
    expect(jobs).toContain(first);
    for (const job of jobs) {
      const { files, manifest } = await whole(job);
      expect(manifest).toMatchObject({ lines: 54, rejected: 6 });
      expect(rowsOf(files)).toHaveLength(54);
    }
    const { files } = await whole(jobs[1] ?? '');
    const refused = [...files]
      .filter(([name]) => name.startsWith('rejected-'))
      .flatMap(([, text]) => text.trim().split('\n'));
    expect(refused.map((line) => JSON.parse(line).line)).toEqual(lines.filter((line) => line.startsWith('poison')));
  });

  test('effect: rows of the history become a CSV', async () => {
    const row = { day: '2026-01-02', site: 'hall-2', device_id: 'press-4', measured_at: '2026-01-02 03:04:05.678' };
    await put('exports/history-csv/day.ndjson', `${JSON.stringify({ ...row, metric: 'humidity', value: '40.25' })}\n`);
    const { files } = await whole('history-csv/');
    expect(files.get('part-00000.csv')).toBe(
      'device,timestamp,site,metric,value\npress-4,2026-01-02 03:04:05.678,hall-2,humidity,40.25\n',
    );
  });

  test('effect: a recording becomes JSON, its header no record', async () => {
    await put(
      'exports/recording-json/a b+ü.csv',
      'timestamp,temperature,humidity\n2026-01-01,21.5,40\n2026-01-02,,41\n',
    );
    const { files } = await whole('recording-json/');
    expect(files.get('part-00000.ndjson')).toBe(
      '{"at":"2026-01-01","celsius":"21.5","percent":"40"}\n{"at":"2026-01-02","percent":"41"}\n',
    );
  });

  test('rights: a function that may not write the destination is denied, delivers nothing, and the slice comes again', async () => {
    const slice = { job: 'd'.repeat(32), destination: 'readings-csv', key: 'exports/readings-csv/denied.ndjson' };
    const Body = reading(1);
    const { ETag = '' } = await s3.send(
      // Not below `exports/` is nobody told of it.
      new PutObjectCommand({ Bucket: output(stack, 'SourceBucketName'), Key: 'denied/one.ndjson', Body }),
    );
    const key = 'denied/one.ndjson';
    const etag = ETag.replaceAll('"', '');
    await DynamoDBDocumentClient.from(client(DynamoDBClient)).send(
      new PutCommand({
        TableName: output(stack, 'WorkTableName'),
        Item: { id: slice.job, key, destination: slice.destination, slices: 1 },
      }),
    );
    const body = JSON.stringify({ ...slice, key, etag, size: Body.length, index: 0, start: 0, end: Body.length });
    const invoke = async () => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'DeliverName'),
          Payload: JSON.stringify({ Records: [{ messageId: 'm1', body }] }),
        }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    const role = output(stack, 'DeliverRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('s3:PutObject'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    expect(await withoutStatement(role, statement, invoke)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect((await delivered('denied/')).size).toBe(0);
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    expect((await whole('denied/')).manifest.lines).toBe(1);
  });
});

describeRights('data-out', { stack, rights });
