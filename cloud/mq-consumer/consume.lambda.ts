import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { createArrivedReadings } from './arrived-readings.aws.ts';
import { consumeMessages } from './consume.ts';
import { mqEvent } from './contract.ts';
import { createMarks } from './marks.aws.ts';

const { READINGS_TABLE, MARKS_TABLE, PARKING_QUEUE_URL, KEEP_DAYS } = readEnvironment(
  z.object({
    READINGS_TABLE: z.string(),
    MARKS_TABLE: z.string(),
    PARKING_QUEUE_URL: z.url(),
    KEEP_DAYS: z.coerce.number().int().min(1),
  }),
);
const telemetry = createTelemetry();
/**
 * Of the function's minute. A group that is begun then ends before the minute does: four tries of 3.5 s each, and up to 3.5 s
 * of waiting between them.
 */
const beginsUntilMs = 35_000;
const aws = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_500, throwOnRequestTimeout: true },
};
const dynamo = new DynamoDBClient(aws);
const ports = {
  readings: createArrivedReadings(dynamo, READINGS_TABLE),
  marks: createMarks({ dynamo, tableName: MARKS_TABLE, now: Date.now }),
  parking: createParking(new SQSClient(aws), PARKING_QUEUE_URL),
};

/**
 * A batch of the broker's queue into the table of readings. It answers nothing: the broker knows no partial failure.
 * @throws Error where the whole batch has to come again
 */
export async function handler(event: unknown): Promise<void> {
  const { messages } = mqEvent.parse(event);
  const { logger, metrics } = telemetry;
  const lateAt = Date.now() + beginsUntilMs;
  try {
    const { stored, duplicates, superseded, parked, newestMs, failure } = await consumeMessages(
      messages,
      { keepDays: KEEP_DAYS, isLate: () => Date.now() >= lateAt },
      ports,
    );
    metrics.addMetric('ReadingsStored', MetricUnit.Count, stored);
    metrics.addMetric('MessagesDropped', MetricUnit.Count, duplicates + superseded);
    if (parked.length > 0) countParked(telemetry, parked);
    if (newestMs !== undefined) {
      metrics.addMetric('NewestReadingAge', MetricUnit.Milliseconds, Date.now() - newestMs);
    }
    if (failure === undefined) return;
    const [error] = failure.errors;
    logger.error('batch not done, the broker gives it again', { failed: failure.errors.length, error });
    throw new Error(failure.sentence, { cause: error });
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
