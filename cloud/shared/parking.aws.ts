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

export function createParking(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Parking {
  return {
    async park(records) {
      for (const requests of inRequests(records)) {
        const { Failed = [] } = await sqs.send(
          new SendMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: requests.map(({ id, body }, index) => ({
              Id: String(index),
              MessageBody: body,
              MessageGroupId: 'parked',
              // A record that comes again within five minutes is parked once.
              MessageDeduplicationId: createHash('sha256').update(id).digest('hex'),
            })),
          }),
        );
        const [first] = Failed;
        if (first !== undefined) {
          throw new Error(
            `${Failed.length} of ${requests.length} records could not be parked at ${queueUrl}: ${first.Code} ${first.Message}`,
          );
        }
      }
    },
  };
}

/** At most ten messages and 1 MB a request, in order. */
function inRequests(records: readonly ParkedRecord[]): { id: string; body: string }[][] {
  const requests: { id: string; body: string }[][] = [];
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
