import { FirehoseClient, PutRecordCommand } from '@aws-sdk/client-firehose';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';

const { DELIVERY_STREAM } = readEnvironment(z.object({ DELIVERY_STREAM: z.string() }));
const firehose = new FirehoseClient();

/**
 * Stage local only: what AWS IoT does by itself where its rule has a Firehose action, for an account whose rules have
 * none. It gets what the rule selected, and puts the same record.
 */
export async function handler(event: unknown): Promise<void> {
  const Data = Buffer.from(`${JSON.stringify(event)}\n`);
  await firehose.send(new PutRecordCommand({ DeliveryStreamName: DELIVERY_STREAM, Record: { Data } }));
}
