import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { createDevicesTable, type DevicesTable } from './devices-table.aws.ts';
import { type HttpAnswer, type HttpRequest, httpEvent, httpResponse, problemAnswer } from './http.ts';

/** Names that DynamoDB gives to "later, please", after the SDK has tried three times. */
const throttled = new Set(['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException']);

export interface HttpFunctionContext {
  table: DevicesTable;
  /** Path of the collection: `/devices`. */
  path: string;
}

/**
 * The handler of one route. What DynamoDB is too busy for is a 503 that says when to come again; whatever else is thrown
 * is thrown on: the API answers 500, and the function's alarm counts it.
 */
export function httpFunction(answer: (request: HttpRequest, context: HttpFunctionContext) => Promise<HttpAnswer>) {
  const environment = readEnvironment(
    z.object({ DDB_TABLE_NAME: z.string(), DEVICES_PATH: z.string().startsWith('/') }),
  );
  const table = createDevicesTable(new DynamoDBClient(), environment.DDB_TABLE_NAME);
  const { logger } = createTelemetry();
  return async (event: unknown) => {
    const request = httpEvent.parse(event);
    try {
      return httpResponse(await answer(request, { table, path: environment.DEVICES_PATH }));
    } catch (error) {
      if (!(error instanceof Error) || !throttled.has(error.name)) throw error;
      logger.warn('the table is too busy', { error });
      const detail = 'The registry is too busy. Send the request again after a second.';
      return httpResponse(problemAnswer(503, detail, { headers: { 'retry-after': '1' } }));
    }
  };
}
