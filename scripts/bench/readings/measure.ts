import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';
import {
  driftFindings,
  type MeasuredRun,
  measuredRun,
  requestsPerThousand,
} from '../../../cloud/cost-optimization/measured-run.ts';
import { account, client } from '../../../cloud/testing/clients.ts';
import { output } from '../../../cloud/testing/outputs.ts';
import { readingAt, readings, readingsATenth, type SentReading } from './readings.ts';

const stack = 'StreamIngestionStack';
const recordsAPut = 500;
/** DynamoDB takes so many rows a request. */
const rowsAWrite = 25;
/** Of one tenth, ms. */
const limitMs = 180_000;

/** What a batch says in the function's log. */
const batchLine = z.object({
  ReadingsStored: z.union([z.number(), z.array(z.number()).transform(([first = 0]) => first)]),
});
const reportLine = /Duration: ([\d.]+) ms/;

/** @returns exit code */
export async function measure(): Promise<number> {
  const logGroupName = await logGroup();
  const last = new Map<string, number>();
  const tenths: MeasuredRun['tenths'] = [];
  let bytes = 0;
  let batches: readonly number[] = [];
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const startedAt = performance.now();
    const records = Array.from({ length: readingsATenth }, (_, place) => readingAt(tenth * readingsATenth + place));
    for (const { key, value, data } of records) {
      last.set(key, value);
      bytes += Buffer.byteLength(data);
    }
    const putRecords = await put(records);
    const before = batches.length;
    batches = await storedBy(logGroupName, batches, (tenth + 1) * readingsATenth);
    const fresh = batches.slice(before);
    const ms = Math.round(performance.now() - startedAt);
    const batchWrites = fresh.reduce((sum, rows) => sum + Math.ceil(rows / rowsAWrite), 0);
    tenths.push({ ms, putRecords, invocations: fresh.length, batchWrites });
    console.log(`${((tenth + 1) * readingsATenth).toLocaleString('en')} readings: ${ms} ms, ${fresh.length} batches`);
  }
  const run = measuredRun.parse({
    takenOn: new Date().toISOString().slice(0, 10),
    on: `local account, ${cpus().length} cores`,
    ...{ readings, keys: last.size, recordBytes: Math.round(bytes / readings) },
    invocationMs: await invocationMs(logGroupName),
    batchReadings: readings / batches.length,
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

async function logGroup(): Promise<string> {
  const { Configuration } = await client(LambdaClient).send(
    new GetFunctionCommand({ FunctionName: output(stack, 'IngestName') }),
  );
  return Configuration?.LoggingConfig?.LogGroup ?? `/aws/lambda/${output(stack, 'IngestName')}`;
}

/** @returns requests that it took; what the stream does not take is put again. */
async function put(records: readonly SentReading[]): Promise<number> {
  // Over HTTP/1.1, as the account ends sessions of HTTP/2 after a while.
  const kinesis = new KinesisClient({ region: account.region, requestHandler: new NodeHttpHandler() });
  const StreamName = output(stack, 'StreamName');
  let requests = 0;
  for (let start = 0; start < records.length; start += recordsAPut) {
    const Records = records
      .slice(start, start + recordsAPut)
      .map(({ deviceId, data }) => ({ PartitionKey: deviceId, Data: Buffer.from(data) }));
    const { FailedRecordCount = 0 } = await kinesis.send(new PutRecordsCommand({ StreamName, Records }));
    requests += 1;
    // To put single ones again would change their order.
    if (FailedRecordCount > 0) throw new Error(`The stream left ${FailedRecordCount} records: it is throttled.`);
  }
  return requests;
}

/** Waits until so many readings are stored. @returns rows of each batch so far */
async function storedBy(logGroupName: string, known: readonly number[], expected: number): Promise<readonly number[]> {
  const until = performance.now() + limitMs;
  let batches = known;
  for (;;) {
    batches = await batchesOf(logGroupName);
    const stored = batches.reduce((sum, rows) => sum + rows, 0);
    if (stored >= expected) return batches;
    if (performance.now() > until)
      throw new Error(`${stored} of ${expected} readings were stored in ${limitMs / 1_000} s.`);
    await pause(1_000);
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

async function batchesOf(logGroupName: string): Promise<number[]> {
  return (await messagesOf(logGroupName, 'ReadingsStored')).flatMap((message) => {
    const start = message.indexOf('{');
    const parsed = start < 0 ? undefined : batchLine.safeParse(JSON.parse(message.slice(start)));
    return parsed?.data?.ReadingsStored ?? [];
  });
}

async function invocationMs(logGroupName: string): Promise<number> {
  const durations = (await messagesOf(logGroupName, 'Duration')).flatMap((message) =>
    Number(reportLine.exec(message)?.[1] ?? []),
  );
  const counted = durations.filter((ms) => Number.isFinite(ms) && ms > 0);
  if (counted.length === 0) throw new Error('The function logs no durations.');
  return counted.reduce((sum, ms) => sum + ms, 0) / counted.length;
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
