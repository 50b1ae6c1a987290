import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { consumeEvents } from '../shared/event-consumer.aws.ts';
import { createParking } from '../shared/parking.aws.ts';
import { createPublisher } from '../shared/publisher.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { changeRecord } from './contract.ts';
import { publishedJobEvent, translate } from './translate.ts';

const { TOPIC_ARN, PARKING_QUEUE_URL } = readEnvironment(
  z.object({ TOPIC_ARN: z.string(), PARKING_QUEUE_URL: z.url() }),
);
const publisher = createPublisher(new SNSClient(), TOPIC_ARN);

/** The anti-corruption service: changes of rows into events of the business. */
export const handler = consumeEvents({
  schema: changeRecord.transform((change, context) => {
    const translated = translate(change);
    if (translated.ok) return { id: `${change.table}/${change.key}:${change.lsn}`, events: translated.events };
    context.issues.push({ code: 'custom', input: undefined, message: translated.detail });
    return z.NEVER;
  }),
  parking: createParking(new SQSClient(), PARKING_QUEUE_URL),
  telemetry: createTelemetry(),
  async take({ events }) {
    await publisher.publish(events.map(publishedJobEvent));
    return events.length === 0 ? 'nothing-to-tell' : 'published';
  },
});
