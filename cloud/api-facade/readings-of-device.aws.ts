import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
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

/** The table of the room stream-ingestion, read only. */
export function createReadingsOfDevice(dynamo: Pick<DynamoDBClient, 'send'>, TableName: string): ReadingsOfDevice {
  return {
    async list({ device, from, to, after, limit }) {
      const { Items = [] } = await dynamo.send(
        new QueryCommand({
          TableName,
          Limit: limit,
          KeyConditionExpression: '#device = :device AND #timestamp BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#device': 'partitionKey', '#timestamp': 'timestamp' },
          ExpressionAttributeValues: { ':device': { S: device }, ':from': { S: from }, ':to': { S: to } },
          ...(after === undefined
            ? {}
            : { ExclusiveStartKey: { partitionKey: { S: device }, timestamp: { S: after } } }),
        }),
      );
      return Items.map(toRow);
    },
  };
}

function toRow(item: unknown): ReadingRow {
  const { timestamp, metrics, value, site } = rowSchema.parse(item);
  const values = Object.entries(metrics?.M ?? {}).map(([metric, { N }]): [string, number] => [metric, N]);
  return {
    timestamp: timestamp.S,
    metrics: value === undefined ? Object.fromEntries(values) : { value: value.N },
    site: site?.S ?? null,
  };
}
