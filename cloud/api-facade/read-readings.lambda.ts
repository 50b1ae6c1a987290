import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { createReadingsApi } from './readings.ts';
import { createReadingsOfDevice } from './readings-of-device.aws.ts';
import { type RestAnswer, serve } from './rest-event.ts';

const { READINGS_TABLE } = readEnvironment(z.object({ READINGS_TABLE: z.string() }));
const { logger } = createTelemetry();
const app = createReadingsApi({
  readings: createReadingsOfDevice(new DynamoDBClient(), READINGS_TABLE),
  onFailure: ({ error, correlationId }) => logger.error('request failed', { error, correlationId }),
});

/** `/v1/devices/{id}/readings`. */
export function handler(event: unknown): Promise<RestAnswer> {
  return serve(app, event);
}
