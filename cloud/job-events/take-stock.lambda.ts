import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { consumeEvents } from '../shared/event-consumer.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { jobEvent } from './contract.ts';
import { createInventory } from './inventory.aws.ts';

const { TABLE_NAME, PARKING_QUEUE_URL } = readEnvironment(
  z.object({ TABLE_NAME: z.string(), PARKING_QUEUE_URL: z.url() }),
);
const inventory = createInventory(new DynamoDBClient(), TABLE_NAME);

/** The inventory service: which jobs there are. */
export const handler = consumeEvents({
  schema: jobEvent,
  parking: createParking(new SQSClient(), PARKING_QUEUE_URL),
  telemetry: createTelemetry(),
  take: (event) => inventory.take(event),
});
