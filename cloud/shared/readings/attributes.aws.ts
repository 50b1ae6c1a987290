import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ReadingItem } from '../../stream-ingestion/contract.ts';

/** A row of the readings table as DynamoDB takes it. */
export function attributesOf(item: ReadingItem): Record<string, AttributeValue> {
  const { partitionKey, timestamp, value, metrics, site, seq, expiresAt } = item;
  return {
    partitionKey: { S: partitionKey },
    timestamp: { S: timestamp },
    expiresAt: { N: String(expiresAt) },
    ...(value === undefined ? {} : { value: { N: value } }),
    ...(metrics === undefined ? {} : { metrics: { M: numbers(metrics) } }),
    ...(site === undefined ? {} : { site: { S: site } }),
    ...(seq === undefined ? {} : { seq: { N: String(seq) } }),
  };
}

function numbers(metrics: Readonly<Record<string, string>>): Record<string, AttributeValue> {
  return Object.fromEntries(Object.entries(metrics).map(([metric, value]) => [metric, { N: value }]));
}
