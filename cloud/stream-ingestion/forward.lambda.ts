import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { publishedMessage } from './contract.ts';

const { STREAM_NAME } = readEnvironment(z.object({ STREAM_NAME: z.string() }));
// The client speaks HTTP/2 by default, whose signatures the local account does not understand.
const kinesis = new KinesisClient({ requestHandler: new NodeHttpHandler() });

/**
 * Stage local only: what AWS IoT does by itself where its rule has a Kinesis action, for an account whose rules have
 * none. It gets what the rule selected, and puts the same record.
 */
export async function handler(event: unknown): Promise<void> {
  const { clientId } = publishedMessage.parse(event);
  await kinesis.send(
    new PutRecordCommand({ StreamName: STREAM_NAME, PartitionKey: clientId, Data: Buffer.from(JSON.stringify(event)) }),
  );
}
