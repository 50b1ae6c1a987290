import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { announceBatch } from './announce.ts';
import { createEventBus } from './event-bus.aws.ts';
import { tableStreamEvent } from './stream-event.ts';

const environment = readEnvironment(z.object({ EVENT_BUS_NAME: z.string(), PARKING_QUEUE_URL: z.url() }));
const telemetry = createTelemetry();
const bus = createEventBus(new EventBridgeClient(), environment.EVENT_BUS_NAME);
const parking = createParking(new SQSClient(), environment.PARKING_QUEUE_URL);

/** What the table's stream says of devices, to EventBridge. */
export async function handler(event: unknown): Promise<DynamoDBBatchResponse> {
  const { Records } = tableStreamEvent.parse(event);
  const { logger, metrics } = telemetry;
  try {
    const { told, parked, batchItemFailures } = await announceBatch(Records, { bus, parking });
    metrics.addMetric('EventsTold', MetricUnit.Count, told);
    if (parked.length > 0) countParked(telemetry, parked);
    if (batchItemFailures.length > 0) logger.warn('events not taken, Lambda sends them again', { batchItemFailures });
    return { batchItemFailures };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
