import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SQSBatchResponse } from 'aws-lambda';
import type { z } from 'zod';
import { parseMessage } from './domain-event.ts';
import { lakeObject } from './event-lake.ts';
import type { ParkedRecord } from './parked-record.ts';
import type { Parking } from './parking.aws.ts';
import { type QueuedMessage, sqsFifoEvent } from './sqs-event.ts';
import { countParked, type Telemetry } from './telemetry.aws.ts';

export interface EventLake<T extends { id: string; eventCreated: string }> {
  schema: z.ZodType<T>;
  s3: Pick<S3Client, 'send'>;
  bucketName: string;
  parking: Parking;
  telemetry: Telemetry;
}

/**
 * The analytics service of a fan-out: a batch of its FIFO queue becomes an object of the lake; what is no event is parked.
 * A batch fails as a whole, which keeps its order.
 */
export function writeToLake<T extends { id: string; eventCreated: string }>(lake: EventLake<T>) {
  const { schema, s3, bucketName, parking, telemetry } = lake;
  const { metrics } = telemetry;
  return async (event: unknown): Promise<SQSBatchResponse> => {
    const { Records } = sqsFifoEvent.parse(event);
    const parked: ParkedRecord[] = [];
    const events: { message: QueuedMessage; event: T }[] = [];
    for (const message of Records) {
      const parsed = parseMessage(schema, message);
      if (parsed.ok) events.push({ message, event: parsed.value });
      else parked.push(parsed.parked);
    }
    try {
      const messages = events.map(({ message }) => message);
      const object = lakeObject(messages, events[0]?.event.eventCreated ?? '');
      if (object !== undefined) {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucketName,
            Key: object.key,
            Body: object.body,
            ContentType: 'application/x-ndjson',
          }),
        );
        metrics.addMetric('EventsStored', MetricUnit.Count, events.length);
      }
      await parking.park(parked);
      if (parked.length > 0) countParked(telemetry, parked);
      for (const {
        message,
        event: { id },
      } of events) {
        telemetry.logger.debug('event taken', { id, groupId: message.groupId, outcome: 'stored' });
      }
      return { batchItemFailures: [] };
    } finally {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    }
  };
}
