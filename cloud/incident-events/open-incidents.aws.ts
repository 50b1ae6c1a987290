import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { correlationId } from '../../device/anomaly/identity.ts';

/**
 * Which breaches last, a row a key (site, device, metric, rule): the latest that is known of it.
 *
 * | a row is | on firing, updated | on resolved  |
 * |----------|--------------------|--------------|
 * | absent   | open               | ended        |
 * | open     | open, if newer     | ended, if newer |
 * | ended    | open, if newer     | ended, if newer |
 *
 * Newer is a higher sequence of the same installation, or a newer installation, whatever came first. An open row stands
 * in the index `open` by its site (`openAtSite`) and the begin of its breach; an ended one leaves it, and the table after a while.
 */
export interface OpenIncidents {
  /** @throws the SDK's error where the table did not answer: a retry may cure that. */
  take(message: AnomalyMessage): Promise<'open' | 'ended' | 'older-than-known'>;
}

export interface OpenIncidentsDeps {
  dynamo: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Days that an ended row is kept. */
  keepDays: number;
  nowMs: () => number;
}

/** `created` decides between installations; of two that were made at once the one with the higher id, as at the edge. */
const isNewer =
  'attribute_not_exists(correlationId) OR (installationId = :id AND #sequence < :sequence) OR ' +
  '(installationId <> :id AND (installationCreatedAtMs < :created OR (installationCreatedAtMs = :created AND installationId < :id)))';

export function createOpenIncidents({ dynamo, tableName, keepDays, nowMs }: OpenIncidentsDeps): OpenIncidents {
  return {
    async take(message) {
      const ends = message.phase === 'resolved';
      const expiresAt = Math.floor(nowMs() / 1_000) + keepDays * 86_400;
      try {
        await dynamo.send(
          new PutItemCommand({
            TableName: tableName,
            Item: {
              ...rowOf(message),
              ...(ends ? { expiresAt: { N: String(expiresAt) } } : { openAtSite: { S: message.site } }),
            },
            ConditionExpression: isNewer,
            ExpressionAttributeNames: { '#sequence': 'sequence' },
            ExpressionAttributeValues: {
              ':id': { S: message.installationId },
              ':sequence': { N: String(message.sequence) },
              ':created': { N: String(Date.parse(message.installationCreatedAt)) },
            },
          }),
        );
        return ends ? 'ended' : 'open';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'older-than-known';
        throw error;
      }
    },
  };
}

function rowOf(message: AnomalyMessage): Record<string, AttributeValue> {
  const { site, deviceId, metric, rule, severity, opener, text, unit, value, limit, peak, startedAt, endedAt } =
    message;
  const number = (given: number | null) => (given === null ? { NULL: true as const } : { N: String(given) });
  return {
    correlationId: { S: correlationId(message) },
    incidentId: { S: message.id },
    installationId: { S: message.installationId },
    installationCreatedAtMs: { N: String(Date.parse(message.installationCreatedAt)) },
    sequence: { N: String(message.sequence) },
    site: { S: site },
    deviceId: { S: deviceId },
    metric: { S: metric },
    rule: { S: rule },
    severity: { S: severity },
    opener: { S: opener },
    text: { S: text },
    unit: { S: unit },
    value: number(value),
    limit: number(limit),
    peak: number(peak),
    startedAt: { S: startedAt },
    ...(endedAt === null ? {} : { endedAt: { S: endedAt } }),
    at: { S: message.at },
  };
}
