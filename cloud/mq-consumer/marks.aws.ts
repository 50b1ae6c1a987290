import { BatchGetItemCommand, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { ConsumePorts } from './consume.ts';

export interface MarksDeps {
  dynamo: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  now(): number;
}

/** Longer than a message comes again. */
const keepSeconds = 14 * 86_400;
/** DynamoDB reads so many keys a request. */
const mostKeys = 100;
/** Updates on their way at a time. */
const updatesAtOnce = 10;

/** Marks of messages by id: `failures` counted, `parked` set. One row a message that was not simply stored. */
export function createMarks({ dynamo, tableName, now }: MarksDeps): ConsumePorts['marks'] {
  const expiresAt = () => ({ N: String(Math.floor(now() / 1_000) + keepSeconds) });

  async function setOneParked(id: string): Promise<void> {
    await dynamo.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { messageId: { S: id } },
        UpdateExpression: 'SET parked = :true, expiresAt = :at',
        ExpressionAttributeValues: { ':true': { BOOL: true }, ':at': expiresAt() },
      }),
    );
  }

  return {
    async countFailure(id) {
      const { Attributes } = await dynamo.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { messageId: { S: id } },
          UpdateExpression: 'ADD failures :one SET expiresAt = :at',
          ExpressionAttributeValues: { ':one': { N: '1' }, ':at': expiresAt() },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      return Number(Attributes?.['failures']?.N ?? 1);
    },
    async parkedAmong(ids) {
      const parked = new Set<string>();
      for (let start = 0; start < ids.length; start += mostKeys) {
        const Keys = ids.slice(start, start + mostKeys).map((id) => ({ messageId: { S: id } }));
        const { Responses, UnprocessedKeys = {} } = await dynamo.send(
          new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } }),
        );
        if (Object.keys(UnprocessedKeys).length > 0) {
          throw new Error(`${tableName} left keys unread, as it is throttled.`);
        }
        for (const { messageId, parked: is } of Responses?.[tableName] ?? []) {
          if (is?.BOOL === true && messageId?.S !== undefined) parked.add(messageId.S);
        }
      }
      return parked;
    },
    async setParked(ids) {
      for (let start = 0; start < ids.length; start += updatesAtOnce) {
        await Promise.all(ids.slice(start, start + updatesAtOnce).map(setOneParked));
      }
    },
  };
}
