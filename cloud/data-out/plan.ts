import { parseMessage } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Parking } from '../shared/parking.aws.ts';
import { type DestinationTemplate, objectNotification, type Slice, type WorkMessage } from './contract.ts';
import { type Cut, cutObject } from './slices.ts';

export interface PlanPorts {
  parking: Parking;
  work: {
    /** Writes the job, if it is not there. */
    begin(job: { id: string; key: string; destination: string; slices: number }): Promise<void>;
  };
  queues: {
    /** @throws Error where one was not taken */
    send(destination: string, slices: readonly Slice[]): Promise<void>;
  };
}

export interface Planned {
  slices: number;
  /** Objects without a byte: nothing is exported of them. */
  empty: number;
  parked: readonly ParkedRecord[];
  errors: readonly unknown[];
  batchItemFailures: { itemIdentifier: string }[];
}

/** Cuts the objects that S3 tells of into work items; one that fails does not stop its neighbours. */
export async function planExports(
  messages: readonly WorkMessage[],
  settings: { sliceBytes: number; templates: ReadonlyMap<string, DestinationTemplate> },
  { parking, work, queues }: PlanPorts,
): Promise<Planned> {
  const parked: ParkedRecord[] = [];
  const errors: unknown[] = [];
  const batchItemFailures: { itemIdentifier: string }[] = [];
  let [slices, empty] = [0, 0];
  for (const message of messages) {
    const parsed = parseMessage(objectNotification, { ...message, groupId: '' });
    try {
      const cuts = parsed.ok
        ? parsed.value.map((object) => ({ key: object.key, cut: cutObject(object, settings) }))
        : [];
      const unusable = parsed.ok ? cuts.flatMap(({ key, cut }) => refusal(message, key, cut)) : [parsed.parked];
      await parking.park(unusable);
      parked.push(...unusable);
      for (const { key, cut } of cuts) {
        if (!cut.ok) continue;
        if (cut.slices.length === 0) empty += 1;
        else {
          const { job: id, destination } = cut;
          await work.begin({ id, key, destination, slices: cut.slices.length });
          // Sent again where the message comes again, as the last answer may have been lost: a slice is delivered once.
          await queues.send(destination, cut.slices);
          slices += cut.slices.length;
        }
      }
    } catch (error) {
      errors.push(error);
      batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return { slices, empty, parked, errors, batchItemFailures };
}

function refusal({ messageId, body }: WorkMessage, key: string, cut: Cut): ParkedRecord[] {
  if (cut.ok) return [];
  const { reason, detail } = cut;
  return [{ id: `${messageId} ${key}`, reason, detail: `${key.slice(0, 200)}: ${detail}`, bytes: Buffer.from(body) }];
}
