import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import {
  LimitExceededException,
  type QuickSightClient,
  ResourceExistsException,
  ResourceNotFoundException,
  ThrottlingException,
} from '@aws-sdk/client-quicksight';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import { createGlueJobs } from './glue-jobs.aws.ts';
import { createQuickSight } from './quick-sight.aws.ts';
import { createRefreshQueue } from './refresh-queue.aws.ts';
import { createDataSetMap, createRefreshStates } from './refresh-states.aws.ts';

const documents = (answer: (request: AwsRequest) => unknown) =>
  DynamoDBDocumentClient.from(new DynamoDBClient(fakeAws(answer)));

describe('the job', () => {
  const glue = (answer: (request: AwsRequest) => unknown) => createGlueJobs(new GlueClient(fakeAws(answer)), 'job');
  const faulty = (type: string) =>
    glue(() => {
      throw new AwsFault(type);
    });

  test('is started with its raw object', async () => {
    const requests: AwsRequest[] = [];
    expect(await glue((request) => requests.push(request)).start('raw/a.csv')).toBe('started');
    expect(requests).toEqual([
      { operation: 'StartJobRun', input: { JobName: 'job', Arguments: { '--raw_key': 'raw/a.csv' } } },
    ]);
  });

  test('that runs already, or is throttled, is busy; what is wrong with it is an error', async () => {
    expect(await faulty('ConcurrentRunsExceededException').start('a')).toBe('busy');
    expect(await faulty('ThrottlingException').start('a')).toBe('busy');
    await expect(faulty('EntityNotFoundException').start('a')).rejects.toThrow('EntityNotFoundException');
  });
});

describe('what is known of a data set', () => {
  test('is written on the version that was read, and not over another one', async () => {
    const requests: AwsRequest[] = [];
    const next = { starts: [{ jobRunId: 'jr', atMs: 5 }], version: 3 };
    expect(
      await createRefreshStates(
        documents((request) => requests.push(request)),
        'States',
      ).write('rides', next),
    ).toBe(true);
    expect(requests).toMatchObject([
      {
        operation: 'PutItem',
        input: {
          ConditionExpression: 'attribute_not_exists(version) OR version = :read',
          ExpressionAttributeValues: { ':read': { N: '2' } },
        },
      },
    ]);
    const taken = documents(() => {
      throw new AwsFault('ConditionalCheckFailedException');
    });
    expect(await createRefreshStates(taken, 'States').write('rides', next)).toBe(false);
  });

  test('is nothing before the first refresh', async () => {
    expect(
      await createRefreshStates(
        documents(() => ({})),
        'States',
      ).read('rides'),
    ).toEqual({ starts: [], version: 0 });
  });
});

describe('the map', () => {
  const mapWith = (Item?: unknown) =>
    createDataSetMap(
      documents(() => ({ Item })),
      'Map',
    ).dataSetsOf('job');
  const row = (dataSetId: string) => ({
    jobName: { S: 'job' },
    dataSets: { L: [{ M: { dataSetId: { S: dataSetId } } }] },
  });

  test('has data sets, full refreshes without an interval where the row says no more', async () => {
    expect(await mapWith(row('rides'))).toEqual([
      { dataSetId: 'rides', ingestionType: 'FULL_REFRESH', minIntervalMinutes: 0 },
    ]);
  });

  test('says what is wrong with a row, and that there is none', async () => {
    expect(await mapWith(row('no blanks'))).toEqual({ invalid: expect.stringContaining('dataSets.0.dataSetId') });
    expect(await mapWith()).toBeUndefined();
  });
});

describe('QuickSight', () => {
  const faults = { $metadata: {}, message: 'why', Message: 'why' };
  const ask = (error?: Error) => {
    const send: QuickSightClient['send'] = () => (error === undefined ? Promise.resolve({}) : Promise.reject(error));
    return createQuickSight({ send }, '123456789012').createIngestion({
      dataSetId: 'd',
      ingestionId: 'i',
      type: 'FULL_REFRESH',
    });
  };

  test.each([
    [undefined, { kind: 'accepted' }],
    [new ResourceExistsException(faults), { kind: 'existed' }],
    [new ThrottlingException(faults), { kind: 'later', delayMs: 60_000 }],
    [new LimitExceededException(faults), { kind: 'later', delayMs: 900_000 }],
    [new ResourceNotFoundException(faults), { kind: 'refused', why: 'ResourceNotFoundException: why' }],
  ])('%s is told in the words of the room', async (error, answer) => {
    expect(await ask(error)).toMatchObject(answer);
  });

  test('that is away is an error', async () => {
    await expect(ask(new Error('away'))).rejects.toThrow('away');
  });
});

test.each([
  [-5, 0],
  [1, 1],
  [60_000, 60],
  [86_400_000, 900],
])('a request that waits %i ms is delayed by %i s', async (delayMs, seconds) => {
  const requests: AwsRequest[] = [];
  const sqs = new SQSClient({
    ...fakeAws((request) => {
      requests.push(request);
      return { MessageId: 'm' };
    }),
    md5: false,
  });
  const dataSet = { dataSetId: 'rides', ingestionType: 'FULL_REFRESH', minIntervalMinutes: 0 } as const;
  await createRefreshQueue(sqs, 'https://sqs.eu-west-1.amazonaws.com/1/q').send(
    { kind: 'refresh', jobRunId: 'jr', endedMs: 1, dataSet },
    delayMs,
  );
  expect(requests).toMatchObject([{ input: { DelaySeconds: seconds } }]);
});
