import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { consumeEvents } from '../shared/event-consumer.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { incidentEvent } from './contract.ts';
import { createOpener, telemetry } from './opener.aws.ts';

const { PARKING_QUEUE_URL, LIMIT_MS } = readEnvironment(
  z.object({ PARKING_QUEUE_URL: z.url(), LIMIT_MS: z.coerce.number().int().positive() }),
);
const parking = createParking(new SQSClient(), PARKING_QUEUE_URL);

/** The opener: incidents of the devices that leave them to the cloud. */
export async function handler(event: unknown): Promise<SQSBatchResponse> {
  const opener = await createOpener(Date.now() + LIMIT_MS);
  try {
    const consume = consumeEvents({
      schema: incidentEvent,
      parking,
      telemetry,
      take: ({ eventDetails }) => opener.take(eventDetails),
    });
    return await consume(event);
  } finally {
    await opener.close();
  }
}
