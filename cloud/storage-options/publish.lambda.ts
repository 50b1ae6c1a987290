import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { type ConcludedPicture, conclusion, eventSource, eventTypes } from './contract.ts';
import { createPicturesTable } from './pictures-table.aws.ts';
import { type Published, publish } from './publish.ts';

const environment = readEnvironment(
  z.object({ TABLE_NAME: z.string(), EVENT_BUS_NAME: z.string(), KEEP_DAYS: z.coerce.number().int().min(1) }),
);
const requestHandler = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true };
const table = createPicturesTable(new DynamoDBClient({ requestHandler }), environment.TABLE_NAME);
const events = new EventBridgeClient({ requestHandler });
const { logger, metrics } = createTelemetry();
const secondsADay = 86_400;

/** The last state of the workflow, for good pictures and bad ones. */
export async function handler(event: unknown): Promise<{ published: Published }> {
  const end = conclusion.parse(event);
  const nowMs = Date.now();
  const expiresAtS = Math.floor(nowMs / 1_000) + environment.KEEP_DAYS * secondsADay;
  const published = await publish(end, nowMs, {
    ...{ find: table.find, markTold: table.markTold, tell },
    conclude: (picture) => table.conclude(picture, expiresAtS),
  });
  logger.info('picture published', { id: end.id, outcome: end.outcome, published });
  if (published === 'told') {
    metrics.addMetric(end.outcome === 'resized' ? 'PicturesProcessed' : 'PicturesFailed', MetricUnit.Count, 1);
    metrics.publishStoredMetrics();
  }
  return { published };
}

async function tell(picture: ConcludedPicture): Promise<void> {
  const { Entries: [answer] = [] } = await events.send(
    new PutEventsCommand({
      Entries: [
        {
          ...{ EventBusName: environment.EVENT_BUS_NAME, Source: eventSource, DetailType: eventTypes[picture.status] },
          ...{ Time: new Date(picture.concludedAt), Detail: JSON.stringify({ eventId: picture.id, picture }) },
        },
      ],
    }),
  );
  if (answer?.EventId !== undefined) return;
  throw new Error(`EventBridge did not take the event of ${picture.id}: ${answer?.ErrorCode} ${answer?.ErrorMessage}`);
}
