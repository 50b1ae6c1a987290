import type { Row } from '../../../device/simulation/servicenow/tables.ts';
import type { PersonAct, Schedule } from './schedule.ts';
import type { EdgeWrite, Heard } from './service-now.ts';
import { createTruth, type Truth } from './truth.ts';

export const startMs = Date.parse('2026-03-01T12:00:00Z');
export const site = 'home';

/** What a person did to an incident. */
export interface Deed {
  service: number;
  sysId: string;
  what: PersonAct;
  atMs: number;
  /** The record's `sys_mod_count` after it. */
  modCount: number;
}

export interface Finding {
  /** What must hold and did not. */
  invariant: string;
  what: string;
}

export interface MonitorLoss {
  atMs: number;
  /** What the handler had not answered, or the journal not taken yet. */
  unanswered: readonly { deviceId: string; metric: string; sinceMs: number }[];
  /** Its disk was full: an end that it could not write is forgotten, so the next breach is told as the one before it. */
  forgetsEnds: boolean;
  /** When the backup was made that its data directory came back from. */
  backedUpAtMs?: number;
}

export interface Span {
  fromMs: number;
  toMs: number;
}

/** What takes part in the schedules of a run. */
export type Participant =
  | 'storm guard'
  | 'silences'
  | 'dead letters'
  | 'attachments'
  | 'wrong clocks'
  | 'full disks'
  | 'changes of instance'
  | 'people'
  | 'lost stores'
  | 'late commits';

/**
 * All that the judge knows of what truly happened, written down beside the code under test and without its help. Instants
 * are epoch ms by the clock of the world, which is always right.
 */
export interface Chronicle {
  readonly schedule: Schedule;
  readonly truth: Truth;
  /** Requests of the edge that were committed, in order. */
  readonly writes: (EdgeWrite & { service: number; atMs: number })[];
  readonly deeds: Deed[];
  /** Incidents as they were when a person deleted them, and what the edge had heard of each. */
  readonly deleted: { service: number; row: Row; journal: readonly Row[]; atMs: number; heard: Heard | undefined }[];
  readonly silences: (Span & { deviceId: string | undefined })[];
  readonly monitorLosses: MonitorLoss[];
  /** `ends`: of each breach whose end the instance told by then, key, start and end. */
  readonly handlerLosses: { atMs: number; ends: ReadonlySet<string> }[];
  /** When the handler could not write what it had seen or done. */
  readonly handlerRefusals: number[];
  /** When the monitor could not write. */
  readonly fullDisk: Span[];
  /** What has truly had an effect. */
  readonly met: Set<Participant>;
  clockRightAtMs: number;
  /** The instance that is served in the end, and since when. */
  served: { service: number; sinceMs: number };
}

/** What took part in a schedule that has been played. */
export function partsOf(chronicle: Chronicle): Set<Participant> {
  const { met, writes, silences, schedule, served, deeds, monitorLosses, handlerLosses } = chronicle;
  const parts = new Set(met);
  if (writes.some(({ fields }) => fields['correlation_id']?.endsWith('/storm'))) parts.add('storm guard');
  if (silences.length > 0) parts.add('silences');
  if (writes.some(({ table }) => table === 'sys_attachment')) parts.add('attachments');
  if (schedule.setup.clockErrorMs !== 0) parts.add('wrong clocks');
  if (served.service !== 0) parts.add('changes of instance');
  if (deeds.length > 0) parts.add('people');
  if (handlerLosses.length > 0 || monitorLosses.some(({ forgetsEnds }) => !forgetsEnds)) parts.add('lost stores');
  return parts;
}

/** How long the edge may not know whether what it wrote was taken: time-out and settle time, and a hop. */
const uncertainMs = 30_000;

/**
 * Whether the edge need not know what a deleted incident told: it never heard of it, lost its store since, or had not yet
 * seen that its last write to it was taken, or could not store that.
 */
export function isForgotten(
  { service, row, atMs, heard }: Chronicle['deleted'][number],
  { handlerLosses, handlerRefusals, writes }: Chronicle,
): boolean {
  if (heard === undefined) return true;
  const isLost = handlerLosses.some((loss) => loss.atMs >= heard.atMs);
  const own = writes.filter((write) => write.service === service && write.sysId === row['sys_id']);
  const isUnseen = ({ modCount, atMs: writtenMs }: EdgeWrite & { atMs: number }) =>
    modCount > heard.modCount ||
    Math.abs(atMs - writtenMs) < uncertainMs ||
    handlerRefusals.some((refusedMs) => refusedMs >= writtenMs && refusedMs <= atMs);
  return isLost || own.some(isUnseen);
}

export function createChronicle(schedule: Schedule): Chronicle {
  return {
    ...{ schedule, truth: createTruth(), writes: [], deeds: [], deleted: [], silences: [] },
    ...{ monitorLosses: [], handlerLosses: [], handlerRefusals: [], fullDisk: [], met: new Set() },
    clockRightAtMs: startMs,
    served: { service: 0, sinceMs: startMs },
  };
}
