import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { client } from '../testing/clients.ts';
import { deadLettersAfter } from '../testing/dead-letters.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { completeFifoTopic } from '../testing/fifo-topic.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { jobEvent } from './contract.ts';
import { rights } from './rights.ts';
import { change, event, row } from './test-events.ts';

const stack = 'JobEventsStack';
const parkedSchema = z.object({ id: z.string(), reason: z.string(), data: z.string() });
const changesParking = takeMessages(output(stack, 'ChangesParkingUrl'), parkedSchema);
const analyticsParking = takeMessages(output(stack, 'AnalyticsParkingUrl'), parkedSchema);

let sent = 0;
async function send(key: string, body: string): Promise<void> {
  sent += 1;
  await client(SQSClient).send(
    new SendMessageCommand({
      QueueUrl: output(stack, 'ChangesQueueUrl'),
      MessageBody: body,
      MessageGroupId: `jobs/${key}`,
      MessageDeduplicationId: String(sent),
    }),
  );
}

async function job(id: string) {
  const { Item } = await client(DynamoDBClient).send(
    new GetItemCommand({ TableName: output(stack, 'TableName'), Key: { id: { S: id } }, ConsistentRead: true }),
  );
  return Item;
}

/** All events of the lake of the jobs whose number begins so, object by object. */
async function lake(prefix: string) {
  const Bucket = output(stack, 'LakeName');
  const s3 = client(S3Client);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  const bodies = await Promise.all(
    Contents.map(async ({ Key }) => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()),
  );
  return bodies
    .flatMap((body) => body?.trim().split('\n') ?? [])
    .map((line) => jobEvent.parse(JSON.parse(line)))
    .filter(({ jobId }) => jobId.startsWith(prefix));
}

describe('job-events', () => {
  beforeAll(() => completeFifoTopic(output(stack, 'TopicArn')));

  test('deployed: the inventory and the lake are there', async () => {
    expect(await job('none')).toBeUndefined();
    expect(await lake('none')).toEqual([]);
  });

  test('triggered: a change of a row is a job in the inventory and an event in the lake', async () => {
    await send('t1', JSON.stringify(change.insert(10, 't1')));
    await eventually(async () => {
      expect(await job('t1')).toMatchObject({ employer: { S: 'Example Ltd' }, anualSalary: { N: '50000' } });
      expect((await lake('t1')).map(({ id }) => id)).toEqual(['10-JobCreated']);
    });
  });

  test('effect: an update of three columns is three events in the lake and none in the inventory, a removal marks the job', async () => {
    await send('u1', JSON.stringify(change.insert(20, 'u1')));
    const after = row({ description: 'x', requirements: 'x', annual_salary: 1 });
    await send('u1', JSON.stringify(change.update(21, after, 'u1')));
    await send('u1', JSON.stringify(change.remove(22, 'u1')));
    await eventually(async () => {
      expect(await job('u1')).toMatchObject({ markAsDeleted: { BOOL: true }, lastSequence: { N: '220' } });
      expect((await lake('u1')).map(({ id }) => id).toSorted()).toEqual([
        '20-JobCreated',
        '21-JobDescriptionUpdated',
        '21-JobRequirementsUpdated',
        '21-JobSalaryUpdated',
        '22-JobDeleted',
      ]);
    });
    expect(await job('u1')).toMatchObject({ anualSalary: { N: '50000' } });
  });

  test('effect: what is no change, and what is no event, is parked byte for byte, and its followers go on (poison)', async () => {
    const wrong = JSON.stringify(change.insert(30, 'p1', row({ annual_salary: 'much' })));
    await send('p1', 'hello');
    await send('p1', wrong);
    await send('p1', JSON.stringify(change.insert(31, 'p1')));
    await client(SNSClient).send(
      new PublishCommand({
        TopicArn: output(stack, 'TopicArn'),
        Message: 'not an event',
        MessageGroupId: 'JOB-p1',
        MessageDeduplicationId: 'not-an-event',
      }),
    );
    await eventually(async () => {
      expect(await job('p1')).toBeDefined();
      const texts = (await changesParking()).map(({ reason, data }) => [
        reason,
        Buffer.from(data, 'base64').toString(),
      ]);
      expect(texts).toContainEqual(['not-json', 'hello']);
      expect(texts).toContainEqual(['bad-schema', wrong]);
      expect((await analyticsParking()).map(({ data }) => Buffer.from(data, 'base64').toString())).toContain(
        'not an event',
      );
    });
  });

  test('effect: of a mixed batch each change is stored or parked, and no event is there twice', async () => {
    const parkedBefore = (await changesParking()).length;
    for (let place = 0; place < 30; place += 1) {
      const key = `m${place % 5}`;
      const body = place % 10 === 9 ? `poison ${place}` : JSON.stringify(change.insert(100 + place, key));
      await send(key, body);
      // Sent once more by a capture that lost the answer.
      if (place % 7 === 0) await send(key, body);
    }
    await eventually(async () => {
      expect((await changesParking()).length - parkedBefore).toBe(3);
      expect(await lake('m')).toHaveLength(27);
    });
    const ids = (await lake('m')).map(({ id }) => id);
    expect(new Set(ids).size).toBe(27);
    for (let key = 0; key < 5; key += 1) {
      const newest = ids
        .map((id) => Number.parseInt(id, 10))
        .filter((lsn) => lsn % 5 === key)
        .toSorted((a, b) => b - a);
      expect(await job(`m${key}`)).toMatchObject({ lastSequence: { N: `${newest[0]}0` } });
    }
  });

  test('effect: an event on which the inventory has failed three times lies in its dead letters', async () => {
    const { bodies, receives } = await deadLettersAfter(
      {
        queueUrl: output(stack, 'InventoryQueueUrl'),
        functionName: output(stack, 'InventoryName'),
        without: 'dynamodb:PutItem',
      },
      () => send('dead', JSON.stringify(change.insert(900, 'dead'))),
    );
    expect(receives).toBe(3);
    expect(bodies.map((body) => jobEvent.parse(JSON.parse(body)).jobId)).toEqual(['dead']);
    expect(await job('dead')).toBeUndefined();
  });

  test('rights: an inventory that may not write its rows is denied, and the event comes again', async () => {
    const invoke = async () => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'InventoryName'),
          Payload: JSON.stringify({
            Records: [
              {
                messageId: 'denied',
                body: JSON.stringify({ ...event.created(1), jobId: 'denied' }),
                attributes: { MessageGroupId: 'JOB-denied' },
              },
            ],
          }),
        }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    const role = output(stack, 'InventoryRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:PutItem'));
    if (statement === undefined) throw new Error(`${role} may not write rows at all`);
    expect(await withoutStatement(role, statement, invoke)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'denied' }],
    });
    expect(await job('denied')).toBeUndefined();
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    expect(await job('denied')).toBeDefined();
  });
});

describeRights('job-events', { stack, rights });
