import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  QueryCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { Caught, CaughtTable } from './blocker.ts';
import { newestIndex } from './contract.ts';

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

/** Rows: `family` and `address`, `caughtAtMs`, and `expiresAt` (epoch s), after which DynamoDB removes it. */
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
