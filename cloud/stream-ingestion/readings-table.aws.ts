import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { attributesOf } from '../shared/readings/attributes.aws.ts';
import { itemKey, type Write } from './ingest.ts';

/** The rows of the room. */
export interface ReadingsTable {
  /**
   * Writes the rows, each under its own key, and tries again what DynamoDB did not take.
   * @returns those that it would not take in time: a retry may cure that.
   * @throws the SDK's error where no retry here would help: rights, a missing table, no connection.
   */
  write(writes: readonly Write[]): Promise<readonly Write[]>;
}

export interface ReadingsTableDeps {
  dynamo: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Waits; part of the function's timeout. */
  sleep(ms: number): Promise<void>;
  random(): number;
}

/** What DynamoDB calls it where it takes nothing of a request for now: the table's units, the table's rate, the account's. */
const throttles = ['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'];

const rowsARequest = 25;
const attempts = 6;
const baseMs = 50;
const capMs = 1_000;

export function createReadingsTable({ dynamo, tableName, sleep, random }: ReadingsTableDeps): ReadingsTable {
  async function send(writes: readonly Write[]): Promise<readonly Write[]> {
    try {
      const { UnprocessedItems = {} } = await dynamo.send(
        new BatchWriteItemCommand({
          RequestItems: { [tableName]: writes.map(({ item }) => ({ PutRequest: { Item: attributesOf(item) } })) },
        }),
      );
      const left = new Set(Object.values(UnprocessedItems).flat().map(keyOf));
      return writes.filter(({ item }) => left.has(itemKey(item)));
    } catch (error) {
      // DynamoDB throws where it takes nothing of a request, and answers where it takes a part.
      if (error instanceof DynamoDBServiceException && throttles.includes(error.name)) return writes;
      throw error;
    }
  }

  async function writeSome(writes: readonly Write[]): Promise<readonly Write[]> {
    let left = writes;
    for (let attempt = 0; attempt < attempts && left.length > 0; attempt += 1) {
      // Full jitter, as many functions meet the same throttle.
      if (attempt > 0) await sleep(random() * Math.min(capMs, baseMs * 2 ** attempt));
      left = await send(left);
    }
    return left;
  }

  return {
    async write(writes) {
      const unwritten: Write[] = [];
      for (let start = 0; start < writes.length; start += rowsARequest) {
        unwritten.push(...(await writeSome(writes.slice(start, start + rowsARequest))));
      }
      return unwritten;
    },
  };
}

function keyOf({ PutRequest }: WriteRequest): string {
  const { partitionKey, timestamp } = PutRequest?.Item ?? {};
  return itemKey({ partitionKey: partitionKey?.S ?? '', timestamp: timestamp?.S ?? '' });
}
