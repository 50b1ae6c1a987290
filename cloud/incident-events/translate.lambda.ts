import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { createPublisher } from '../shared/publisher.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { gatewaysSchema, publishedMessage } from '../stream-ingestion/contract.ts';
import { publishedIncidentEvent, translate } from './translate.ts';

const environment = readEnvironment(
  z.object({
    TOPIC_ARN: z.string(),
    PARKING_QUEUE_URL: z.url(),
    GATEWAYS: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(gatewaysSchema),
  }),
);
const publisher = createPublisher(new SNSClient(), environment.TOPIC_ARN);
const parking = createParking(new SQSClient(), environment.PARKING_QUEUE_URL);
const telemetry = createTelemetry();

/** The anti-corruption service: what the rule took from `IoTBlog/anomaly`, as an event to the topic. */
export async function handler(event: unknown): Promise<void> {
  const { metrics } = telemetry;
  const translated = translate(publishedMessage.parse(event), environment.GATEWAYS);
  try {
    if (translated.ok) {
      await publisher.publish([publishedIncidentEvent(translated.event)]);
      metrics.addMetric('EventsPublished', MetricUnit.Count, 1);
    } else {
      await parking.park([translated.parked]);
      countParked(telemetry, [translated.parked]);
    }
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
