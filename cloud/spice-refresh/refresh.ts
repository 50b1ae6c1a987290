import { createHash } from 'node:crypto';
import { parseJson } from '../shared/domain-event.ts';
import { type DataSet, type JobEnded, manifest, type RefreshRequest } from './contract.ts';
import { decideRefresh, type RefreshLimits, type Start, startsInWindow } from './decide-refresh.ts';

/** What QuickSight says to an ingestion. */
export type Answer =
  /** It has begun. */
  | { kind: 'accepted' }
  /** It had begun under the same id, some time since the run ended: the answer was lost. */
  | { kind: 'existed' }
  /** Not now: throttled, another one of this data set is under way, or its quota is used up. */
  | { kind: 'later'; delayMs: number; why: string }
  /** Never: no such data set, or it may not be refreshed. */
  | { kind: 'refused'; why: string };

/** What is known of a data set. `version` is 0 where nothing is. */
export interface RefreshState {
  starts: readonly Start[];
  version: number;
}

export interface RefreshPorts {
  /** The data sets of a job, undefined where the map has none; `invalid` says what is wrong with its row. */
  map: { dataSetsOf(jobName: string): Promise<readonly DataSet[] | undefined | { invalid: string }> };
  runs: { run(jobRunId: string): Promise<{ rawKey: string | undefined; startedMs: number }> };
  /** The manifest of a raw object, and when it was written, epoch ms; undefined where there is none. */
  outputs: { manifestOf(rawKey: string): Promise<{ text: string; writtenMs: number } | undefined> };
  states: {
    read(dataSetId: string): Promise<RefreshState>;
    /** @returns whether it was written: not where another version lies there by now. */
    write(dataSetId: string, next: RefreshState): Promise<boolean>;
  };
  quickSight: {
    createIngestion(ingestion: {
      dataSetId: string;
      ingestionId: string;
      type: DataSet['ingestionType'];
    }): Promise<Answer>;
  };
  /** Sends a request to the room's own queue. SQS waits a quarter of an hour at most; then the request is sent again. */
  queue: { send(request: RefreshRequest, delayMs: number): Promise<void> };
  now(): number;
}

export interface RefreshSettings extends RefreshLimits {
  /** The room's own job, which writes a manifest for each raw object. */
  jobName: string;
}

export type Outcome =
  | { kind: 'started' | 'covered'; dataSetId: string; ingestionId?: string }
  | { kind: 'waiting'; dataSetId: string; untilMs: number; why: string }
  | { kind: 'refused'; dataSetId: string; why: string }
  | { kind: 'unknown-job'; jobName: string }
  | { kind: 'bad-map-row'; why: string }
  | { kind: 'no-output'; why: string };

/**
 * A job has ended well: each data set that the map names for it is refreshed, or its refresh waits. The room's own job is not believed:
 * its manifest has to be there, written by this run or a later one.
 * @throws what a retry may cure; all of it can be done again
 */
export async function refreshAfterJob(
  { time, detail }: JobEnded,
  settings: RefreshSettings,
  ports: RefreshPorts,
): Promise<Outcome[]> {
  const { jobName, jobRunId } = detail;
  const dataSets = await ports.map.dataSetsOf(jobName);
  if (jobName === settings.jobName) {
    const missing = await missingOutput(jobRunId, ports);
    if (missing !== undefined) return [{ kind: 'no-output', why: missing }];
  }
  if (dataSets === undefined) return [{ kind: 'unknown-job', jobName }];
  if ('invalid' in dataSets) return [{ kind: 'bad-map-row', why: dataSets.invalid }];
  // The event says the second, so the run may have ended almost a second after it.
  const endedMs = Date.parse(time) + 999;
  const outcomes: Outcome[] = [];
  for (const dataSet of dataSets) {
    outcomes.push(await refreshDataSet({ kind: 'refresh', jobRunId, endedMs, dataSet }, settings, ports));
  }
  return outcomes;
}

/** Why a run that says that it succeeded did not, undefined where its output is there. */
async function missingOutput(jobRunId: string, { runs, outputs }: RefreshPorts): Promise<string | undefined> {
  const { rawKey, startedMs } = await runs.run(jobRunId);
  if (rawKey === undefined) return `run ${jobRunId} was started without a raw object`;
  const found = await outputs.manifestOf(rawKey);
  if (found === undefined) return `run ${jobRunId} succeeded, and ${rawKey} has no manifest`;
  // S3 tells instants to the second.
  if (found.writtenMs + 1_000 <= startedMs) {
    return `run ${jobRunId} succeeded, and the manifest of ${rawKey} is of ${new Date(found.writtenMs).toISOString()}`;
  }
  return manifest.safeParse(parseJson(found.text)).success
    ? undefined
    : `the manifest of ${rawKey} does not fit its schema`;
}

/** How often the state is read again because another one wrote it meanwhile. */
const mostTries = 5;

/**
 * Refreshes a data set for a run, unless that is done or not yet allowed. The start is written down before QuickSight is
 * asked, so that two that come at once do not both ask; what QuickSight does not take is taken back. Of a start whose
 * answer was lost it is known that it came after its run: it counts from then, and covers none that ended later.
 * @throws what a retry may cure
 */
export async function refreshDataSet(
  request: RefreshRequest,
  limits: RefreshLimits,
  ports: RefreshPorts,
): Promise<Outcome> {
  const { jobRunId, endedMs, dataSet } = request;
  const { dataSetId, ingestionType, minIntervalMinutes } = dataSet;
  const wait = async (delayMs: number, why: string): Promise<Outcome> => {
    await ports.queue.send(request, delayMs);
    return { kind: 'waiting', dataSetId, untilMs: ports.now() + delayMs, why };
  };
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const { starts, version } = await ports.states.read(dataSetId);
    const nowMs = ports.now();
    const minIntervalMs = minIntervalMinutes * 60_000;
    const decision = decideRefresh(starts, { jobRunId, endedMs, minIntervalMs }, nowMs, limits);
    if (decision.kind === 'covered') return { kind: 'covered', dataSetId };
    if (decision.kind === 'wait') return wait(decision.atMs - nowMs, 'interval or quota');
    const others = startsInWindow(starts, nowMs).filter((start) => start.jobRunId !== jobRunId);
    // A message that comes again starts nothing new, so it covers no run that has ended since.
    const known = starts.find((start) => start.jobRunId === jobRunId);
    const own = known ?? { jobRunId, atMs: nowMs };
    const next = { starts: [...others, own], version: version + 1 };
    if (!(await ports.states.write(dataSetId, next))) continue;
    const ingestionId = ingestionIdOf(jobRunId, dataSetId);
    let answer: Answer | undefined;
    try {
      answer = await ports.quickSight.createIngestion({ dataSetId, ingestionId, type: ingestionType });
    } finally {
      if (answer?.kind === 'existed') {
        if (known === undefined) await settle(request, Math.min(endedMs, nowMs), ports);
      } else if (answer?.kind !== 'accepted') {
        await settle(request, undefined, ports);
      }
    }
    if (answer.kind === 'accepted' || answer.kind === 'existed') return { kind: 'started', dataSetId, ingestionId };
    if (answer.kind === 'later') return wait(answer.delayMs, answer.why);
    return { kind: 'refused', dataSetId, why: answer.why };
  }
  throw writtenByOthers(dataSetId);
}

/** Writes down when a run's refresh began at the earliest, whatever others have written meanwhile; undefined takes it back. */
async function settle(
  { jobRunId, dataSet: { dataSetId } }: RefreshRequest,
  atMs: number | undefined,
  { states }: RefreshPorts,
): Promise<void> {
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const { starts, version } = await states.read(dataSetId);
    const others = starts.filter((start) => start.jobRunId !== jobRunId);
    const next = atMs === undefined ? others : [...others, { jobRunId, atMs }];
    if (await states.write(dataSetId, { starts: next, version: version + 1 })) return;
  }
  throw writtenByOthers(dataSetId);
}

function writtenByOthers(dataSetId: string): Error {
  return new Error(`The state of data set ${dataSetId} was written by others ${mostTries} times; SQS tries again.`);
}

/** The same run refreshes the same data set under the same id, which QuickSight takes once. At most 128 characters. */
export function ingestionIdOf(jobRunId: string, dataSetId: string): string {
  const id = `${jobRunId}-${dataSetId}`;
  return /^[\w-]{1,128}$/.test(id) ? id : createHash('sha256').update(id).digest('hex');
}
