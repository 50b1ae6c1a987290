import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Caught, CaughtTable } from './blocker.ts';
import { mostCaughtAnHour, newestIndex } from './contract.ts';

export interface CaughtTableDeps {
  dynamo: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Rows go some time after this, ms. */
  ttlMs: number;
  sleep(ms: number): Promise<void>;
  random(): number;
}

const rowsARequest = 25;
const attempts = 5;
const baseMs = 50;
/** A row outlives its block, so that DynamoDB never takes one away that a set still has. */
const graceMs = 7 * 86_400_000;

const keys = z.object({ address: z.object({ S: z.string() }) });

const hourMs = 3_600_000;

/**
 * Rows: `family` and `address`, `caughtAtMs`, and `expiresAt` (epoch s), after which DynamoDB removes it. Beside them one for each hour and
 * family, `budget#<family>` and the hour, with the rows `taken`; the index has none of these.
 */
export function createCaughtTable({ dynamo, tableName, ttlMs, sleep, random }: CaughtTableDeps): CaughtTable {
  const rowOf = ({ address, atMs }: Caught): WriteRequest => ({
    PutRequest: {
      Item: {
        family: { S: address.family },
        address: { S: address.text },
        caughtAtMs: { N: String(atMs) },
        expiresAt: { N: String(Math.ceil((atMs + ttlMs + graceMs) / 1_000)) },
      },
    },
  });

  async function putSome(rows: readonly WriteRequest[]): Promise<void> {
    let left = [...rows];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (attempt > 0) await sleep(random() * baseMs * 2 ** attempt);
      const { UnprocessedItems = {} } = await dynamo.send(
        new BatchWriteItemCommand({ RequestItems: { [tableName]: left } }),
      );
      left = Object.values(UnprocessedItems).flat();
      if (left.length === 0) return;
    }
    throw new Error(`${tableName} would not take ${left.length} rows in ${attempts} tries: it is throttled.`);
  }

  return {
    async reserve(family, rows, atMs) {
      try {
        await dynamo.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { family: { S: `budget#${family}` }, address: { S: new Date(atMs).toISOString().slice(0, 13) } },
            UpdateExpression: 'ADD taken :rows SET expiresAt = :end',
            ConditionExpression: 'attribute_not_exists(taken) OR taken <= :left',
            ExpressionAttributeValues: {
              ':rows': { N: String(rows) },
              ':left': { N: String(mostCaughtAnHour - rows) },
              ':end': { N: String(Math.ceil((atMs + 2 * hourMs) / 1_000)) },
            },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
    async put(caught) {
      const rows = caught.map(rowOf);
      const requests = Array.from({ length: Math.ceil(rows.length / rowsARequest) }, (_, index) =>
        putSome(rows.slice(index * rowsARequest, (index + 1) * rowsARequest)),
      );
      const ends = await Promise.allSettled(requests);
      const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }): unknown => reason);
      if (failed.length === 1) throw failed[0];
      if (failed.length > 1) throw new AggregateError(failed, `${tableName} did not take all rows.`);
    },
    async newest(family, afterMs, most) {
      const addresses: string[] = [];
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
      do {
        const { Items = [], LastEvaluatedKey } = await dynamo.send(
          new QueryCommand({
            ...{ TableName: tableName, IndexName: newestIndex, ConsistentRead: true, ScanIndexForward: false },
            KeyConditionExpression: '#family = :family AND caughtAtMs > :after',
            // A reserved word.
            ExpressionAttributeNames: { '#family': 'family' },
            ExpressionAttributeValues: { ':family': { S: family }, ':after': { N: String(afterMs) } },
            Limit: most - addresses.length,
            ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
          }),
        );
        addresses.push(...Items.map((item) => keys.parse(item).address.S));
        ExclusiveStartKey = LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined && addresses.length < most);
      return addresses;
    },
  };
}
