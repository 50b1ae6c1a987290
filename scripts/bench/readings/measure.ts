import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, GetItemCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  driftFindings,
  type MeasuredRun,
  measuredRun,
  requestsPerThousand,
} from '../../../cloud/cost-optimization/measured-run.ts';
import { account, client } from '../../../cloud/testing/clients.ts';
import { output } from '../../../cloud/testing/outputs.ts';
import { type CountingProxy, countedBetween, startCountingProxy } from '../counting-proxy.ts';
import { readingAt, readings, readingsATenth, type SentReading } from './readings.ts';

const stack = 'StreamIngestionStack';
const recordsAPut = 500;
/** Before the first tenth: the first call of a function takes longer than all others. */
const warmUp = 1_000;
/** Of one tenth, ms. */
const limitMs = 180_000;

const reportLine = /Duration: ([\d.]+) ms/;

/** @returns exit code */
export async function measure(): Promise<number> {
  const proxy = await startCountingProxy({ host: '127.0.0.1', port: 4566 });
  try {
    return await measureThrough(proxy);
  } finally {
    await proxy.stop();
  }
}

async function measureThrough(proxy: CountingProxy): Promise<number> {
  const logGroupName = await sendThrough(proxy.url);
  const warm = Array.from({ length: warmUp }, (_, place) => readingAt(place, 'warm'));
  await put(warm, proxy.url);
  await stored(warm);
  let known = await durationsOf(logGroupName);
  const coldCalls = known.length;
  const last = new Map<string, number>();
  const tenths: MeasuredRun['tenths'] = [];
  let bytes = 0;
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const records = Array.from({ length: readingsATenth }, (_, place) => readingAt(tenth * readingsATenth + place));
    for (const { key, value, data } of records) {
      last.set(key, value);
      bytes += Buffer.byteLength(data);
    }
    const before = proxy.counts();
    const startedAt = performance.now();
    await put(records, proxy.url);
    await stored(records);
    const ms = Math.round(performance.now() - startedAt);
    const durations = await durationsOf(logGroupName);
    const requests = countedBetween(before, proxy.counts());
    tenths.push({ ms, invocations: durations.length - known.length, requests });
    known = durations;
    console.log(
      `${((tenth + 1) * readingsATenth).toLocaleString('en')} readings: ${ms} ms, ${JSON.stringify(requests)}`,
    );
  }
  const durations = known.slice(coldCalls);
  const run = measuredRun.parse({
    takenOn: new Date().toISOString().slice(0, 10),
    on: `local account, ${cpus().length} cores`,
    ...{ readings, keys: last.size, recordBytes: Math.round(bytes / readings) },
    invocationMs: durations.reduce((sum, ms) => sum + ms, 0) / durations.length,
    batchReadings: readings / durations.length,
    tenths,
  });
  const findings = [...driftFindings(run), ...(await differences(last))];
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) return 1;
  writeFileSync(new URL('./measured.json', import.meta.url), `${JSON.stringify(run, null, 2)}\n`);
  const [first, end] = [requestsPerThousand(run, 0), requestsPerThousand(run, 9)];
  console.log(`stored = sent, ${run.keys} keys; ${first.toFixed(1)} → ${end.toFixed(1)} requests per 1,000 readings`);
  return 0;
}

/** Has the function send its requests through the proxy. @returns its log group */
async function sendThrough(url: string): Promise<string> {
  const lambda = client(LambdaClient);
  const FunctionName = output(stack, 'IngestName');
  const { Environment, LoggingConfig } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const Variables = { ...Environment?.Variables, AWS_ENDPOINT_URL: url };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  return LoggingConfig?.LogGroup ?? `/aws/lambda/${FunctionName}`;
}

/** @throws Error where the stream does not take all of them */
async function put(records: readonly SentReading[], endpoint: string): Promise<void> {
  // Over HTTP/1.1, as the account ends sessions of HTTP/2 after a while.
  const kinesis = new KinesisClient({ region: account.region, endpoint, requestHandler: new NodeHttpHandler() });
  const StreamName = output(stack, 'StreamName');
  for (let start = 0; start < records.length; start += recordsAPut) {
    const Records = records
      .slice(start, start + recordsAPut)
      .map(({ deviceId, data }) => ({ PartitionKey: deviceId, Data: Buffer.from(data) }));
    const { FailedRecordCount = 0 } = await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
    // To put single ones again would change their order.
    if (FailedRecordCount > 0) throw new Error(`The stream left ${FailedRecordCount} records: it is throttled.`);
  }
}

/** Waits until the last of them is in the table: the one shard of the stream hands them over in order. */
async function stored(records: readonly SentReading[]): Promise<void> {
  const newest = records.at(-1);
  if (newest === undefined) return;
  const [partitionKey = '', timestamp = ''] = newest.key.split(' ');
  const dynamo = client(DynamoDBClient);
  const question = new GetItemCommand({
    TableName: output(stack, 'TableName'),
    Key: { partitionKey: { S: partitionKey }, timestamp: { S: timestamp } },
    ConsistentRead: true,
  });
  const until = performance.now() + limitMs;
  for (;;) {
    const { Item } = await dynamo.send(question);
    if (Number(Item?.['metrics']?.M?.['temperature']?.N) === newest.value) return;
    if (performance.now() > until) throw new Error(`${newest.key} was not stored in ${limitMs / 1_000} s.`);
    await pause(200);
  }
}

async function messagesOf(logGroupName: string, filterPattern: string): Promise<string[]> {
  const logs = client(CloudWatchLogsClient);
  const messages: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern, nextToken, limit: 10_000 }));
    messages.push(...(page.events ?? []).map(({ message = '' }) => message));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return messages;
}

/** Durations of the function's calls so far, ms, once no further one is being logged. */
async function durationsOf(logGroupName: string): Promise<number[]> {
  let durations: number[] = [];
  for (;;) {
    await pause(1_000);
    const now = (await messagesOf(logGroupName, 'Duration')).flatMap((message) =>
      Number(reportLine.exec(message)?.[1] ?? []),
    );
    const counted = now.filter((ms) => Number.isFinite(ms) && ms > 0);
    if (counted.length > 0 && counted.length === durations.length) return counted;
    durations = counted;
  }
}

/** What of the table is not what was sent last. */
async function differences(last: ReadonlyMap<string, number>): Promise<string[]> {
  const TableName = output(stack, 'TableName');
  let [rows, wrong] = [0, 0];
  for await (const { Items = [] } of paginateScan(
    { client: client(DynamoDBClient) },
    { TableName, ConsistentRead: true },
  )) {
    for (const { partitionKey, timestamp, metrics } of Items) {
      if (partitionKey?.S?.startsWith('warm-')) continue;
      rows += 1;
      const sent = last.get(`${partitionKey?.S} ${timestamp?.S}`);
      if (sent !== Number(metrics?.M?.['temperature']?.N)) wrong += 1;
    }
  }
  return [
    ...(rows === last.size ? [] : [`${rows} rows are stored, and ${last.size} keys were sent`]),
    ...(wrong === 0 ? [] : [`${wrong} rows are not what was sent last for their key`]),
  ];
}
