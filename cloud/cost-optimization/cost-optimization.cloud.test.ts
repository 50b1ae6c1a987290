import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { eventually } from '../testing/eventually.ts';
import { output } from '../testing/outputs.ts';
import { takeMessages } from '../testing/queue.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { routingAttribute } from './contract.ts';
import { createPacker, type PackedMessage } from './packer.ts';
import { rights } from './rights.ts';

const stack = 'CostOptimizationStack';
const documents = DynamoDBDocumentClient.from(client(DynamoDBClient));
const takeParked = takeMessages(output(stack, 'ParkingQueueUrl'), z.object({ id: z.string(), reason: z.string() }));

const publish = (Message: string, routingKey: string) =>
  client(SNSClient).send(
    new PublishCommand({
      ...{ TopicArn: output(stack, 'TopicArn'), Message },
      MessageAttributes: { [routingAttribute]: { DataType: 'String', StringValue: routingKey } },
    }),
  );

/** All ids of the table that begin so, sorted. */
async function idsOf(start: string): Promise<string[]> {
  const ids: string[] = [];
  const pages = paginateScan({ client: documents }, { TableName: output(stack, 'TableName'), ConsistentRead: true });
  for await (const { Items = [] } of pages) ids.push(...Items.map(({ id }) => String(id)));
  return ids.filter((id) => id.startsWith(start)).toSorted();
}

/** Messages of so many readings. */
function packed(
  start: string,
  count: number,
  routingKey = 'temperature',
): { ids: string[]; messages: PackedMessage[] } {
  const packer = createPacker({ routingKey, maxDelayMs: 1_000, maxItems: 400 });
  const ids = Array.from({ length: count }, (_, place) => `${start}-${String(place).padStart(5, '0')}`);
  const messages = ids.flatMap((id) => packer.add({ id, value: { celsius: 21.5, site: 'hall-2' } }, 0).messages);
  const last = packer.flush();
  return { ids, messages: last === undefined ? messages : [...messages, last] };
}

describe('cost-optimization', () => {
  test('deployed: the table is there and empty', async () => {
    expect(await idsOf('')).toEqual([]);
  });

  test('triggered: a thousand readings are rows, sent as three messages', async () => {
    const { ids, messages } = packed('many', 1_000);
    expect(messages).toHaveLength(3);
    for (const { body, attributes } of messages) await publish(body, attributes['routingKey'] ?? '');
    await eventually(async () => expect(await idsOf('many')).toEqual(ids));
  });

  test('effect: of packs, single items, duplicates and poison each is stored once, parked, or filtered before it costs', async () => {
    const before = (await takeParked()).length;
    const wanted = packed('wanted', 20);
    const filtered = packed('filtered', 20, 'vibration');
    const [pack] = wanted.messages;
    const [unwanted] = filtered.messages;
    for (const body of [pack?.body ?? '', pack?.body ?? '', 'hello', '{"v":1,"codec":"gzip","n":1,"data":"AAAA"}']) {
      await publish(body, 'temperature');
    }
    await publish(unwanted?.body ?? '', 'vibration');
    await publish('{"id":"wanted-single","value":1}', 'humidity');
    await eventually(async () => {
      expect(await idsOf('wanted')).toEqual([...wanted.ids, 'wanted-single']);
      const parked = (await takeParked()).slice(before);
      expect(parked.map(({ reason }) => reason).toSorted()).toEqual(['corrupt-pack', 'not-json']);
      expect(new Set(parked.map(({ id }) => id)).size).toBe(2);
    });
    expect(await idsOf('filtered')).toEqual([]);
  });

  test('effect: an item larger than a message goes by S3, and one that is not there any more is parked', async () => {
    const before = (await takeParked()).length;
    const { tooLarge } = createPacker({ routingKey: 'temperature', maxDelayMs: 1_000 }).add(
      { id: 'large', value: 'x'.repeat(100_000) },
      0,
    );
    const Bucket = output(stack, 'BucketName');
    const { ETag: etag } = await client(S3Client).send(
      new PutObjectCommand({ Bucket, Key: 'items/large', Body: tooLarge?.body ?? '' }),
    );
    await publish(JSON.stringify({ s3: { bucket: Bucket, key: 'items/large', etag } }), 'temperature');
    await publish(JSON.stringify({ s3: { bucket: Bucket, key: 'items/gone', etag } }), 'temperature');
    await publish(JSON.stringify({ s3: { bucket: Bucket, key: 'items/large', etag: '"other"' } }), 'temperature');
    // Larger than a row may be.
    const Body = JSON.stringify({ id: 'large-row', value: 'x'.repeat(500_000) });
    const { ETag } = await client(S3Client).send(new PutObjectCommand({ Bucket, Key: 'items/large-row', Body }));
    await publish(JSON.stringify({ s3: { bucket: Bucket, key: 'items/large-row', etag: ETag } }), 'temperature');
    await eventually(async () => {
      expect(await idsOf('large')).toEqual(['large']);
      const reasons = (await takeParked()).slice(before).map(({ reason }) => reason);
      expect(reasons.toSorted()).toEqual(['claim-lost', 'claim-lost', 'too-large']);
    });
  });

  test('effect: a message that somebody sends to the queue without a routing key is parked, and its neighbour is stored', async () => {
    const before = (await takeParked()).length;
    const attribute = { [routingAttribute]: { DataType: 'String', StringValue: 'temperature' } };
    await client(SQSClient).send(
      new SendMessageBatchCommand({
        QueueUrl: output(stack, 'PacksUrl'),
        Entries: [
          { Id: '0', MessageBody: '{"id":"unrouted","value":1}' },
          { Id: '1', MessageBody: '{"id":"routed","value":1}', MessageAttributes: attribute },
        ],
      }),
    );
    await eventually(async () => {
      expect(await idsOf('routed')).toEqual(['routed']);
      expect((await takeParked()).slice(before).map(({ reason }) => reason)).toEqual(['no-routing-key']);
    });
    expect(await idsOf('unrouted')).toEqual([]);
  });

  test('rights: a function that may not write its rows is denied, and the message comes again', async () => {
    const record = {
      ...{ messageId: 'm1', body: '{"id":"denied","value":1}' },
      messageAttributes: { [routingAttribute]: { stringValue: 'temperature' } },
    };
    const invoke = async () => {
      const { Payload } = await client(LambdaClient).send(
        new InvokeCommand({
          FunctionName: output(stack, 'UnpackName'),
          Payload: JSON.stringify({ Records: [record] }),
        }),
      );
      return JSON.parse(Buffer.from(Payload ?? []).toString());
    };
    const role = output(stack, 'UnpackRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('dynamodb:BatchWriteItem'));
    if (statement === undefined) throw new Error(`${role} may not write at all`);
    expect(await withoutStatement(role, statement, invoke)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    expect(await idsOf('denied')).toEqual([]);
    expect(await invoke()).toEqual({ batchItemFailures: [] });
    expect(await idsOf('denied')).toEqual(['denied']);
  });
});

describeRights('cost-optimization', { stack, rights });
