import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { AwsFault, type AwsRequest, fakeAws } from '../testing/fake-aws.ts';
import type { Slice } from './contract.ts';
import { createPostpone, createSliceQueues } from './slice-queues.aws.ts';
import { message } from './test-ports.ts';
import { createWorkTable } from './work-table.aws.ts';

const slice: Slice = {
  job: 'a'.repeat(32),
  destination: 'x',
  key: 'exports/x/y',
  etag: 'e',
  size: 10,
  index: 3,
  start: 0,
  end: 10,
};
const delivered = { lines: 1, rejected: 0, bytesIn: 10, bytesOut: 5, puts: 1, durationMs: 7 };
const item = {
  id: { S: slice.job },
  key: { S: slice.key },
  destination: { S: 'x' },
  slices: { N: '4' },
  done: { NS: ['3'] },
  lines: { N: '1' },
};

function table(answer: (request: AwsRequest) => unknown) {
  const asked: AwsRequest[] = [];
  const client = new DynamoDBClient(
    fakeAws((request) => {
      asked.push(request);
      return answer(request);
    }),
  );
  const documents = DynamoDBDocumentClient.from(client);
  return { asked, work: createWorkTable({ documents, tableName: 'work', keepDays: 1, now: () => 86_400_000 }) };
}

describe('the work table', () => {
  test('a job that is there already is begun', async () => {
    const { asked, work } = table(() => {
      throw new AwsFault('ConditionalCheckFailedException');
    });
    await work.begin({ id: 'one', key: 'k', destination: 'x', slices: 4 });
    expect(asked).toMatchObject([
      { operation: 'PutItem', input: { Item: { id: { S: 'one' }, expiresAt: { N: '172800' } } } },
    ]);
  });

  test('a slice is counted by one write, under the condition that it was not', async () => {
    const { asked, work } = table(() => ({ Attributes: item }));
    expect(await work.finish(slice, delivered)).toMatchObject({ done: 1, slices: 4, lines: 1 });
    expect(asked).toMatchObject([
      {
        operation: 'UpdateItem',
        input: {
          ConditionExpression: 'attribute_exists(id) AND NOT contains(#done, :index)',
          ExpressionAttributeValues: { ':one': { NS: ['3'] }, ':lines': { N: '1' } },
        },
      },
    ]);
  });

  test('a write whose answer was lost counts as done', async () => {
    const { work } = table(({ operation }) => {
      if (operation === 'UpdateItem') throw new AwsFault('ConditionalCheckFailedException');
      return { Item: item };
    });
    expect(await work.finish(slice, delivered)).toMatchObject({ done: 1 });
  });

  test('a job that has ended fails, and says so', async () => {
    const { work } = table(() => ({}));
    await expect(work.doneAlready(slice)).rejects.toThrow(`Job ${slice.job} is not in work`);
  });
});

describe('the queues of slices', () => {
  const urls = new Map([['x', 'https://sqs.eu-west-1.amazonaws.com/1/x']]);

  test('ten go in a request, and one that is not taken fails all', async () => {
    const asked: AwsRequest[] = [];
    const sqs = new SQSClient(
      fakeAws((request) => {
        asked.push(request);
        return asked.length === 3 ? { Failed: [{ Id: '1', Code: 'Busy', Message: 'later', SenderFault: false }] } : {};
      }),
    );
    const slices = Array.from({ length: 25 }, (_, index) => ({ ...slice, index }));
    await expect(createSliceQueues(sqs, urls).send('x', slices)).rejects.toThrow('1 slices were not taken: Busy later');
    expect(asked).toHaveLength(3);
    await expect(createSliceQueues(sqs, urls).send('y', slices)).rejects.toThrow('There is no queue for y');
  });

  test('a message is postponed at its own queue', async () => {
    const asked: AwsRequest[] = [];
    const sqs = new SQSClient(fakeAws((request) => void asked.push(request)));
    await createPostpone(sqs, () => urls.get('x'))(message(slice), 30);
    await createPostpone(sqs, () => undefined)(message(slice), 30);
    expect(asked).toMatchObject([{ operation: 'ChangeMessageVisibility', input: { VisibilityTimeout: 30 } }]);
  });
});
