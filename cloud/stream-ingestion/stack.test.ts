import { beforeAll, describe, expect, test } from 'vitest';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { type PollerSettings, pollerSettings, pollShard } from '../testing/stream-poller.ts';
import { ingestBatch } from './ingest-batch.ts';
import { rights } from './rights.ts';
import { record, settings } from './test-records.ts';
import { wildcards } from './wildcards.ts';

const room = 'stream-ingestion';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  const built = new Map<'local' | 'prod', SynthesisedRoom>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) built.set(stage, await synthesiseRoom(room, stage));
  }, 120_000);

  /** The one resource of its type, or whose path ends so. */
  function resource(type: string, path = '', stage: 'local' | 'prod' = 'prod') {
    const all = [...(built.get(stage)?.stacks.values() ?? [])].flat();
    const [found, ...others] = all.filter((one) => one.Type === type && one.path.endsWith(path));
    if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} resources are ${type} ${path}`);
    return found;
  }

  test('synth: the stack has the name, and the table and its function the keys, of the post', () => {
    expect([...(built.get('prod')?.stacks.keys() ?? [])]).toEqual(['StreamIngestionStack']);
    expect(resource('AWS::DynamoDB::GlobalTable').Properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'partitionKey', KeyType: 'HASH' },
        { AttributeName: 'timestamp', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
    const ingest = resource('AWS::Lambda::Function', 'Ingest').Properties;
    expect(ingest).toMatchObject({ Environment: { Variables: { DDB_TABLE_NAME: { Ref: expect.any(String) } } } });
  });

  test('synth: the rule selects bytes, client and instant, in both stages by the same SQL', () => {
    const sql =
      "SELECT encode(*, 'base64') AS data, clientid() AS clientId, timestamp() AS receivedAtMs FROM 'IoTBlog/sensorData'";
    const payload = (stage: 'local' | 'prod') =>
      resource('AWS::IoT::TopicRule', '', stage).Properties['TopicRulePayload'];
    expect(payload('prod')).toMatchObject({
      Sql: sql,
      Actions: [{ Kinesis: { PartitionKey: `\${clientid()}` } }],
      ErrorAction: { Sqs: { QueueUrl: expect.anything() } },
    });
    expect(payload('local')).toMatchObject({
      Sql: sql,
      Actions: [{ Lambda: { FunctionArn: expect.anything() } }],
      ErrorAction: { Sqs: { QueueUrl: expect.anything() } },
    });
  });

  test('synth: silence alarms, as it may be that no device sends', () => {
    expect(resource('AWS::CloudWatch::Alarm', 'NewestReading').Properties).toMatchObject({
      TreatMissingData: 'breaching',
      Threshold: 900_000,
      EvaluationPeriods: 3,
    });
  });

  const instant = (second: number) => `2026-01-02T03:04:0${second}Z`;

  /** A table that takes nothing of one sensor. */
  async function pollWith(poller: PollerSettings, behaves: 'throws' | 'throttles') {
    const rows: string[] = [];
    const records = Array.from({ length: 8 }, (_, place) =>
      record(place, `${place}|${instant(place)}`, place === 3 ? 'failing' : 'fine'),
    );
    const run = await pollShard(records, poller, {
      invoke: (batch) =>
        ingestBatch(batch, settings, {
          table: {
            async write(writes) {
              const failing = writes.filter(({ item }) => item.partitionKey === 'failing');
              if (behaves === 'throws' && failing.length > 0) throw new Error('away');
              rows.push(...writes.filter((write) => !failing.includes(write)).map(({ item }) => item.value ?? ''));
              return failing;
            },
          },
          parking: { park: async () => undefined },
        }),
    });
    return {
      rows: new Set(rows),
      letGo: run.letGo.map(({ sequenceNumber }) => sequenceNumber),
      invocations: run.invocations,
    };
  }

  test('synth: after the retries of the template only what always fails is let go (partial failure)', async () => {
    const source = resource('AWS::Lambda::EventSourceMapping');
    const poller = pollerSettings(source);
    expect(source.Properties).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching('^DeadLetters'), 'Arn'] } },
      },
      MaximumBatchingWindowInSeconds: 5,
      ParallelizationFactor: 1,
      StartingPosition: 'TRIM_HORIZON',
    });
    expect(poller).toEqual({
      BatchSize: 100,
      MaximumRetryAttempts: 3,
      MaximumRecordAgeInSeconds: 86_400,
      BisectBatchOnFunctionError: true,
    });
    const others = new Set(['0', '1', '2', '4', '5', '6', '7']);
    const thrown = await pollWith(poller, 'throws');
    expect(thrown).toMatchObject({ rows: others, letGo: ['3'] });
    // 8, halved to 4 and 4, the first of them to 2 and 2, the second of these to 1 and 1; four tries of the one that fails.
    expect(thrown.invocations).toBe(1 + 1 + 1 + 1 + 4 + 1 + 1);
    // A throttled row holds up its followers of the batch, which are written each time; all from it on are let go.
    expect(await pollWith(poller, 'throttles')).toEqual({
      rows: others,
      letGo: ['3', '4', '5', '6', '7'],
      invocations: 4,
    });
  });
});
