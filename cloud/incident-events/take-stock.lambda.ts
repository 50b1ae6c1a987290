import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { consumeEvents } from '../shared/event-consumer.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { incidentEvent } from './contract.ts';
import { createOpenIncidents } from './open-incidents.aws.ts';

const { TABLE_NAME, PARKING_QUEUE_URL, KEEP_DAYS } = readEnvironment(
  z.object({ TABLE_NAME: z.string(), PARKING_QUEUE_URL: z.url(), KEEP_DAYS: z.coerce.number().int().min(1) }),
);
const openIncidents = createOpenIncidents({
  dynamo: new DynamoDBClient(),
  tableName: TABLE_NAME,
  keepDays: KEEP_DAYS,
  nowMs: Date.now,
});

/** The inventory service: which breaches last. */
export const handler = consumeEvents({
  schema: incidentEvent,
  parking: createParking(new SQSClient(), PARKING_QUEUE_URL),
  telemetry: createTelemetry(),
  take: ({ eventDetails }) => openIncidents.take(eventDetails),
});
