import { createHash } from 'node:crypto';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type ParkedRecord, parkedBody } from './parked-record.ts';

/** The consumer's side of a `ParkingQueue`. */
export interface Parking {
  /** @throws Error where a record could not be parked: then it is not done, and the batch has to be tried again. */
  park(records: readonly ParkedRecord[]): Promise<void>;
}

/** SQS takes ten messages and 1 MiB a request. */
const mostMessages = 10;
const largestRequest = 1_000_000;
/** Requests on their way at a time: with one after the other a batch of thousands outlasts its function. */
const mostRequests = 8;

export function createParking(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Parking {
  return {
    async park(records) {
      const requests = inRequests(records);
      for (let start = 0; start < requests.length; start += mostRequests) {
        await Promise.all(requests.slice(start, start + mostRequests).map((request) => send(sqs, queueUrl, request)));
      }
    },
  };
}

interface Message {
  id: string;
  body: string;
}

async function send(sqs: Pick<SQSClient, 'send'>, queueUrl: string, messages: readonly Message[]): Promise<void> {
  const { Failed = [] } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map(({ id, body }, index) => ({
        Id: String(index),
        MessageBody: body,
        MessageGroupId: 'parked',
        // A record that comes again within five minutes is parked once.
        MessageDeduplicationId: createHash('sha256').update(id).digest('hex'),
      })),
    }),
  );
  const [first] = Failed;
  if (first === undefined) return;
  throw new Error(
    `${Failed.length} of ${messages.length} records could not be parked at ${queueUrl}: ${first.Code} ${first.Message}`,
  );
}

/** At most ten messages and 1 MB a request, in order. */
function inRequests(records: readonly ParkedRecord[]): Message[][] {
  const requests: Message[][] = [];
  let size = 0;
  for (const record of records) {
    const message = { id: record.id, body: parkedBody(record) };
    const last = requests.at(-1);
    if (last === undefined || last.length === mostMessages || size + message.body.length > largestRequest) {
      requests.push([message]);
      size = message.body.length;
    } else {
      last.push(message);
      size += message.body.length;
    }
  }
  return requests;
}
