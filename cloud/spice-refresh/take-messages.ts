import { parseJson } from '../shared/domain-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import { jobEndedEvent, type ParkingReason, refreshRequest } from './contract.ts';
import { type Outcome, type RefreshPorts, type RefreshSettings, refreshAfterJob, refreshDataSet } from './refresh.ts';
import type { Message } from './start-jobs.ts';

export interface TakePorts extends RefreshPorts {
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface TakenBatch {
  outcomes: Outcome[];
  parked: ParkedRecord[];
  batchItemFailures: { itemIdentifier: string }[];
  errors: unknown[];
}

/** Ends of jobs, and requests that have waited. One that fails comes again alone. */
export async function takeMessages(
  messages: readonly Message[],
  settings: RefreshSettings,
  ports: TakePorts,
): Promise<TakenBatch> {
  const batch: TakenBatch = { outcomes: [], parked: [], batchItemFailures: [], errors: [] };
  for (const message of messages) {
    try {
      const outcomes = await takeMessage(message, settings, ports);
      const parked = parkedOf(message, outcomes);
      await ports.parking.park(parked);
      batch.outcomes.push(...(outcomes === 'not-json' || outcomes === 'bad-schema' ? [] : outcomes));
      batch.parked.push(...parked);
    } catch (error) {
      batch.errors.push(error);
      batch.batchItemFailures.push({ itemIdentifier: message.messageId });
    }
  }
  return batch;
}

async function takeMessage(
  { body }: Message,
  settings: RefreshSettings,
  ports: TakePorts,
): Promise<Outcome[] | 'not-json' | 'bad-schema'> {
  const json = parseJson(body);
  if (json === undefined) return 'not-json';
  const ended = jobEndedEvent.safeParse(json);
  if (ended.success) return refreshAfterJob(ended.data, settings, ports);
  const waited = refreshRequest.safeParse(json);
  if (waited.success) return [await refreshDataSet(waited.data, settings, ports)];
  return 'bad-schema';
}

/** What of a message can never succeed: the whole of it, or single data sets. */
function parkedOf({ messageId, body }: Message, outcomes: Outcome[] | 'not-json' | 'bad-schema'): ParkedRecord[] {
  const parked = (id: string, reason: ParkingReason, detail: string) => ({
    id,
    reason,
    detail,
    bytes: Buffer.from(body),
  });
  if (outcomes === 'not-json' || outcomes === 'bad-schema') {
    return [parked(messageId, outcomes, "neither the end of a job nor a request of this room's own")];
  }
  return outcomes.flatMap((outcome) => {
    switch (outcome.kind) {
      case 'refused':
        return [parked(`${messageId}:${outcome.dataSetId}`, 'refused', `${outcome.dataSetId}: ${outcome.why}`)];
      case 'bad-map-row':
      case 'no-output':
        return [parked(messageId, outcome.kind, outcome.why)];
      default:
        return [];
    }
  });
}
