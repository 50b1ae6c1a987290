import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Gateways } from '../stream-ingestion/contract.ts';
import { objectNotification } from './contract.ts';
import { type Conversion, convertObject, largestObject, refused } from './convert.ts';

/** A message of the queue that S3 notifies. */
export interface NotificationMessage {
  messageId: string;
  body: string;
}

export interface ConvertPorts {
  /** Answers undefined where there is no such object. @throws what a retry may cure */
  raw: { find(key: string): Promise<Uint8Array | undefined> };
  /** @throws what a retry may cure */
  processed: { put(key: string, bytes: Uint8Array): Promise<void> };
  /** @throws what a retry may cure */
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface ConvertedBatch {
  samples: number;
  files: number;
  parked: readonly ParkedRecord[];
  newestMs: number | undefined;
  /** What SQS sends again: messages of which an object could not be read, written or parked. */
  batchItemFailures: { itemIdentifier: string }[];
  /** What they failed with. */
  errors: unknown[];
}

/**
 * Raw objects that S3 tells of, into the table: files first, so that a bucket that is away parks nothing twice. Doing one
 * again writes the same files.
 */
export async function convertBatch(
  messages: readonly NotificationMessage[],
  gateways: Gateways,
  ports: ConvertPorts,
): Promise<ConvertedBatch> {
  const converted: Conversion[] = [];
  const batchItemFailures: { itemIdentifier: string }[] = [];
  const errors: unknown[] = [];
  for (const message of messages) {
    try {
      converted.push(...(await convertMessage(message, gateways, ports)));
    } catch (error) {
      errors.push(error);
      batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  const newest = converted.flatMap(({ newestMs }) => newestMs ?? []);
  return {
    samples: converted.reduce((sum, { samples }) => sum + samples, 0),
    files: converted.reduce((sum, { files }) => sum + files.length, 0),
    parked: converted.flatMap(({ parked }) => parked),
    newestMs: newest.length === 0 ? undefined : Math.max(...newest),
    batchItemFailures,
    errors,
  };
}

async function convertMessage(
  { messageId, body }: NotificationMessage,
  gateways: Gateways,
  { raw, processed, parking }: ConvertPorts,
): Promise<Conversion[]> {
  const notified = objectNotification.safeParse(parseJson(body));
  const conversions: Conversion[] = [];
  if (!notified.success) {
    conversions.push(
      refused(messageId, 'not-a-notification', 'the message is no notification of S3', Buffer.from(body)),
    );
  }
  for (const { key, size } of notified.data ?? []) {
    if (size > largestObject) {
      conversions.push(refused(key, 'object-too-large', `object ${key} has ${size} bytes`, Buffer.from(body)));
      continue;
    }
    const bytes = await raw.find(key);
    conversions.push(
      bytes === undefined
        ? refused(key, 'object-missing', `object ${key} is not there any more`, Buffer.from(body))
        : convertObject({ key, bytes }, gateways),
    );
  }
  for (const { files } of conversions) {
    for (const { key, bytes } of files) await processed.put(key, bytes);
  }
  for (const { parked } of conversions) await parking.park(parked);
  return conversions;
}

/** @returns undefined where it is not JSON, which no JSON text means. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
