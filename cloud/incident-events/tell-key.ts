import type { IncidentRow } from '../../device/incident/destination.ts';
import { decide, type Step } from '../../device/incident/policy.ts';
import { judge } from '../../device/outbox/look-up.ts';
import { isWrite, type Outcome } from '../../device/outbox/tell.ts';
import { type KeyState, nextEntry, put, retire, withEntry } from './key-state.ts';
import type { Item, TellDeps, TellResult } from './tell-deps.ts';
import { amend, disbelieved, lookUpFailed, withoutAttempt, writeFailed } from './tell-failures.ts';

const rowsPerKey = 50;
/** Steps of one key in one call: an opening, a note, an end, and what is repaired on the way. */
const mostSteps = 12;
/** How long an attempt may take from its store to the first byte sent. */
const sendWithinMs = 5_000;

/** A step may be two requests: where a person changed the record at the same moment that is noted. */
function longestAttemptMs({ timeoutMs }: TellDeps['policy']): number {
  return sendWithinMs + 2 * timeoutMs;
}

/**
 * Tells ServiceNow what is due of a key, one step after the other, by the rules of the handler at the edge: a look-up before
 * each step, what to do by its policy, the attempt stored before it is sent (by a condition, so of two functions one sends),
 * and after an end that is not known nothing until `settleMs` has passed and the record was looked up again.
 */
export async function tellKey(correlationId: string, deps: TellDeps): Promise<TellResult> {
  for (let step = 0; step < mostSteps; step += 1) {
    const stored = await deps.store.load(correlationId);
    const now = deps.nowMs();
    const entry = stored && nextEntry(stored.state, now);
    const occurrence = stored?.state.occurrences.find(({ id }) => id === entry?.occurrenceId);
    if (stored === undefined || entry === undefined || occurrence === undefined) return 'done';
    const { attempt, notBeforeMs } = stored.state;
    if (now < Math.max(notBeforeMs, attempt?.settlesAtMs ?? 0)) return 'later';
    // The look-up and the write, and a second write where a person came in between.
    if (now + 3 * deps.policy.timeoutMs > deps.deadlineMs) return 'later';
    const instance = await deps.store.instance(now);
    if (now < Math.max(instance.pausedUntilMs, instance.firstSeenMs + deps.policy.settleMs)) return 'away';
    const result = await tellNext({ stored, entry, occurrence, instance }, deps);
    if (result !== 'next') return result;
  }
  return 'later';
}

async function tellNext(item: Item, deps: TellDeps): Promise<TellResult | 'next'> {
  const { stored, entry, occurrence, instance } = item;
  const { correlationId } = stored.state;
  const asked = {
    correlationIds: [correlationId],
    expected: occurrence.incident === null ? [] : [occurrence.incident.sysId],
    known: instance.knownRows,
  };
  const sysIds = [...new Set([...asked.known, ...asked.expected])];
  const answer = await deps.destination.find({ correlationIds: asked.correlationIds, sysIds, limit: rowsPerKey });
  if (!answer.ok) return lookUpFailed(item, answer, deps);
  if (instance.pausedUntilMs > 0) await deps.store.resume(instance.pausedUntilMs);
  const lookUp = judge(asked, answer.value);
  if (lookUp.outcome !== 'believed') return disbelieved(lookUp, deps);

  const step = decide({
    wanted: entry.kind,
    occurrence,
    sequence: deps.teller.sequenceOf(entry.kind, occurrence),
    rows: lookUp.rows.get(correlationId) ?? [],
    reopenWindowMs: deps.policy.reopenWindowMs,
    onRecovery: deps.policy.onRecovery,
  });
  if (!isWrite(step)) return settle(item, step, deps);
  if (step.do === 'create' && !(await mayCreate(item, deps))) return 'later';
  return attempt(item, step, deps);
}

/** Until an incident is known to be visible one key at a time may be told, and an hour holds so many new ones. */
async function mayCreate({ stored, entry, instance }: Item, deps: TellDeps): Promise<boolean> {
  const { store, policy } = deps;
  const now = deps.nowMs();
  const { correlationId } = stored.state;
  const waits = async (ms: number) => {
    await store.save({ ...stored.state, notBeforeMs: now + ms }, stored.version);
    return false;
  };
  if (instance.knownRows.length === 0) {
    const untilMs = now + longestAttemptMs(policy) + policy.settleMs;
    if (!(await store.claimFirst(correlationId, untilMs, now))) return waits(sendWithinMs);
  }
  return entry.isCounted || (await store.countOpening(now, policy.maxNewPerHour)) || waits(60_000);
}

async function attempt(item: Item, step: Step, deps: TellDeps): Promise<TellResult | 'next'> {
  const { stored, entry, occurrence } = item;
  const { store, policy, nowMs } = deps;
  const beganMs = nowMs();
  const settlesAtMs = beganMs + longestAttemptMs(policy) + policy.settleMs;
  const id = stored.version + 1;
  const begun: KeyState = {
    ...stored.state,
    attempt: { id, entryId: entry.id, settlesAtMs },
    entries: stored.state.entries.map((one) =>
      one.id === entry.id ? { ...one, isCounted: one.isCounted || step.do === 'create' } : one,
    ),
  };
  // Somebody else is at it, or there is something new to tell: looked up anew.
  if ((await store.save(begun, stored.version)) === 'changed') return 'next';
  if (nowMs() - beganMs > sendWithinMs) {
    await amend(item, deps, (state) => withoutAttempt(state, id));
    return 'next';
  }
  const result = await deps.teller.write(step, occurrence);
  if (!result.ok) return writeFailed(item, id, result, deps);
  let outcome: Outcome | undefined;
  // What came in meanwhile stays: the end is written into the latest state.
  await amend(item, deps, (state) => {
    outcome = deps.teller.outcome(step, occurrence, latestOf(state, item), result.value);
    return ended(withoutAttempt(state, id), item, outcome, nowMs());
  });
  if (outcome !== undefined) await wasTold(item, outcome, result.value.row, deps);
  return 'next';
}

/** Stores a step that writes nothing, unless something new has come in: then it is decided anew. */
async function settle(item: Item, step: Step, deps: TellDeps): Promise<'next'> {
  const { stored, occurrence } = item;
  const outcome = deps.teller.outcome(step, occurrence, latestOf(stored.state, item), undefined);
  // An attempt of before has settled: the look-up has just shown what became of it.
  const settled = { ...stored.state, attempt: null };
  const saved = await deps.store.save(ended(settled, item, outcome, deps.nowMs()), stored.version);
  if (saved === 'saved') await wasTold(item, outcome, 'row' in step ? step.row : undefined, deps);
  return 'next';
}

function latestOf(state: KeyState, { occurrence }: Item) {
  return state.occurrences.find(({ id }) => id === occurrence.id) ?? occurrence;
}

function ended(state: KeyState, { entry, occurrence }: Item, outcome: Outcome, nowMs: number): KeyState {
  const placed = outcome.occurrence === undefined ? state : put(state, outcome.occurrence);
  const isDone = (id: number) => id === entry.id && outcome.finished;
  const left: KeyState = {
    ...placed,
    ...{ failures: 0, notBeforeMs: 0 },
    entries: placed.entries.filter(
      ({ id, occurrenceId, kind }) => !isDone(id) && !(occurrenceId === occurrence.id && outcome.drop.includes(kind)),
    ),
  };
  return retire(outcome.add.includes('update') ? withEntry(left, occurrence.id, 'update', nowMs) : left);
}

async function wasTold(item: Item, outcome: Outcome, row: IncidentRow | undefined, deps: TellDeps): Promise<void> {
  const { stored, instance } = item;
  if (outcome.told !== undefined) deps.onTold(outcome.told, stored.state.correlationId);
  if (row === undefined || instance.knownRows.includes(row.sysId)) return;
  await deps.store.addKnownRow(row.sysId, instance.knownRows);
}
