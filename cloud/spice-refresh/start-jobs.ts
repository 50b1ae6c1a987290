import { parseJson } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { objectNotification, type ParkingReason, prefixes } from './contract.ts';

/** A message of a queue. */
export interface Message {
  messageId: string;
  body: string;
}

/** `busy`: as many runs as the job may have are under way, or Glue is throttled; a later try is taken. */
export type Started = 'started' | 'busy';

export interface StartPorts {
  /** @throws what is nobody's turn: rights, a job that is not there, Glue that is away */
  jobs: { start(rawKey: string): Promise<Started> };
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface StartedBatch {
  started: number;
  /** Deliberately dropped: no CSV, or empty. */
  ignored: string[];
  parked: ParkedRecord[];
  /** What SQS sends again: uploads whose run could not begin yet. */
  batchItemFailures: { itemIdentifier: string }[];
  /** What they failed with, but for being early. */
  errors: unknown[];
}

/** A run of the job for each raw file that S3 tells of. What could not begin comes again, and so does what comes after it. */
export async function startJobs(messages: readonly Message[], { jobs, parking }: StartPorts): Promise<StartedBatch> {
  const batch: StartedBatch = { started: 0, ignored: [], parked: [], batchItemFailures: [], errors: [] };
  for (const message of messages) {
    try {
      const objects = objectNotification.safeParse(parseJson(message.body));
      if (!objects.success) {
        const unusable = notNotification(message);
        await parking.park([unusable]);
        batch.parked.push(unusable);
        continue;
      }
      for (const { key, size } of objects.data) {
        if (!isRawFile(key, size)) {
          batch.ignored.push(key);
        } else if ((await jobs.start(key)) === 'started') {
          batch.started += 1;
        } else {
          batch.batchItemFailures.push({ itemIdentifier: message.messageId });
          break;
        }
      }
    } catch (error) {
      batch.errors.push(error);
      batch.batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return batch;
}

/** A CSV with something in it; uploads that are not whole yet are hidden or called temporary by those who make them. */
export function isRawFile(key: string, size: number): boolean {
  const name = key.split('/').at(-1) ?? '';
  return size > 0 && key.startsWith(prefixes.raw) && name.toLowerCase().endsWith('.csv') && !/^[._~]/.test(name);
}

function notNotification({ messageId, body }: Message): ParkedRecord {
  const reason: ParkingReason = parseJson(body) === undefined ? 'not-json' : 'bad-schema';
  return {
    id: messageId,
    reason,
    detail: 'the message is no notification of S3, or the name of an object in it is not as S3 writes it',
    bytes: Buffer.from(body),
  };
}
