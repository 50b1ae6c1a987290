import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { DeliverPorts } from './deliver.ts';
import type { PlanPorts } from './plan.ts';

const messagesARequest = 10;
/** At a time: two thousand slices are sent in a second or two. */
const mostRequests = 8;

export function createSliceQueues(
  sqs: Pick<SQSClient, 'send'>,
  urls: ReadonlyMap<string, string>,
): PlanPorts['queues'] {
  return {
    async send(destination, slices) {
      const QueueUrl = urls.get(destination);
      if (QueueUrl === undefined) throw new Error(`There is no queue for ${destination}: deploy the room again.`);
      const requests = Array.from({ length: Math.ceil(slices.length / messagesARequest) }, (_, place) =>
        slices.slice(place * messagesARequest, (place + 1) * messagesARequest),
      );
      for (let start = 0; start < requests.length; start += mostRequests) {
        await Promise.all(
          requests.slice(start, start + mostRequests).map(async (some) => {
            const Entries = some.map((slice) => ({ Id: String(slice.index), MessageBody: JSON.stringify(slice) }));
            const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
            const [first] = Failed;
            if (first !== undefined)
              throw new Error(`${Failed.length} slices were not taken: ${first.Code} ${first.Message}`);
          }),
        );
      }
    },
  };
}

export function createPostpone(
  sqs: Pick<SQSClient, 'send'>,
  urlOf: (body: string) => string | undefined,
): DeliverPorts['postpone'] {
  return async ({ receiptHandle, body }, seconds) => {
    const QueueUrl = urlOf(body);
    if (QueueUrl === undefined || receiptHandle === '') return;
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout: seconds }),
    );
  };
}
