import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import type { ReadingRow, ReadingsOfDevice } from './readings.ts';

const number = z.object({ N: z.string().transform(Number) });
const rowSchema = z.object({
  timestamp: z.object({ S: z.string() }),
  metrics: z.object({ M: z.record(z.string(), number) }).optional(),
  /** The one value of a record that is no reading of a device. */
  value: number.optional(),
  site: z.object({ S: z.string() }).optional(),
});

/** The table of the room stream-ingestion, read only. A row that is no reading is left out. */
export function createReadingsOfDevice(dynamo: Pick<DynamoDBClient, 'send'>, TableName: string): ReadingsOfDevice {
  return {
    async list({ device, from, to, after, limit }) {
      const rows: ReadingRow[] = [];
      // A query ends at a megabyte too, and odd rows leave places free.
      let start: Record<string, AttributeValue> | undefined =
        after === undefined ? undefined : { partitionKey: { S: device }, timestamp: { S: after } };
      do {
        const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await dynamo.send(
          new QueryCommand({
            TableName,
            Limit: limit - rows.length,
            KeyConditionExpression: '#device = :device AND #timestamp BETWEEN :from AND :to',
            ExpressionAttributeNames: { '#device': 'partitionKey', '#timestamp': 'timestamp' },
            ExpressionAttributeValues: { ':device': { S: device }, ':from': { S: from }, ':to': { S: to } },
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        rows.push(...Items.flatMap(toRows));
        start = LastEvaluatedKey;
      } while (start !== undefined && rows.length < limit);
      return rows;
    },
  };
}

function toRows(item: unknown): ReadingRow[] {
  const parsed = rowSchema.safeParse(item);
  if (!parsed.success) return [];
  const { timestamp, metrics, value, site } = parsed.data;
  const values = Object.entries(metrics?.M ?? {}).map(([metric, { N }]): [string, number] => [metric, N]);
  return [
    {
      timestamp: timestamp.S,
      metrics: value === undefined ? Object.fromEntries(values) : { value: value.N },
      site: site?.S ?? null,
    },
  ];
}
