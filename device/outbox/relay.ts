import pLimit from 'p-limit';
import type { DestinationFailure, IncidentDestination, IncidentRow } from '../incident/destination.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { decide, type Step } from '../incident/policy.ts';
import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';
import { dueQueue } from '../platform/due-queue.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Entry } from './entry.ts';
import { createGate } from './gate.ts';
import { judge } from './look-up.ts';
import { createOpeningCap } from './opening-cap.ts';
import type { RelayStore } from './relay-store.ts';
import { isWrite, type Teller, type Told } from './tell.ts';

export interface RelayOptions extends BackoffPolicy {
  settleMs: number;
  concurrency: number;
  lookUpKeys: number;
  breakerFailures: number;
  pauseMs: number;
  reopenWindowMs: number;
  onRecovery: 'resolve' | 'note';
  maxNewPerHour: number;
  /** Ended breaches that are kept for the record. */
  keepEnded: number;
}

export interface RelayDeps {
  store: RelayStore;
  destination: IncidentDestination;
  teller: Teller;
  options: RelayOptions;
  /** Event time: what a cap or a window is measured with. */
  time: Time;
  /** Real time: backoff, settle time and pauses. */
  deliveryTime: Time;
  random: () => number;
  logger: Logger;
  onTold?: (told: Told, occurrence: Occurrence) => void;
}

export interface RelayStatus {
  /** Keys that have something to tell now. */
  keys: number;
  inFlight: number;
  gate: { state: 'open' | 'paused' | 'probing'; reason?: string; forMs?: number };
  /** Real time until the first write that an empty store may make. */
  settlingMs: number;
  told: Record<Told['kind'], number>;
}

export interface Relay {
  start(): void;
  stop(): Promise<void>;
  /** Something was added for these keys. */
  notify(correlationIds: Iterable<string>): void;
  /** Tries a paused destination at once (a new secret, a person's word). */
  retryNow(): void;
  /** Reads through the relay's gate: open incidents by prefix, for the roll call's walk. */
  findOpen(prefix: string): Promise<IncidentRow[] | undefined>;
  /** Resolves once nothing is due: what is left waits for event time, or is a dead letter. */
  idle(): Promise<void>;
  isIdle(): boolean;
  status(): RelayStatus;
}

/** Rows that one look-up may answer for a single key; what is older plays no part. */
const rowsPerKey = 50;
const rowsPerLookUp = 400;

/** How long a stop waits for requests that are under way. */
const stopWithinMs = 1_200;

/** Look-ups whose writes may be under way together. */
const overlappingLookUps = 2;

/**
 * Tells a destination what the outbox holds: in order for a key, in parallel across keys.
 *
 * | a key is    | until                                                                             |
 * |-------------|-----------------------------------------------------------------------------------|
 * | queued      | it is due (at once, after a backoff, or after `settleMs`) and the gate is open     |
 * | in flight   | looked up with others, one step decided, the attempt stored, written, the end stored |
 * | capped      | the cap on new incidents an hour (event time) lets it through                     |
 * | absent      | it has nothing due: its quiet period runs, or a dead letter blocks it             |
 *
 * An attempt is stored before it is sent. Where its end is ambiguous it stays stored as `sending`, and nothing is
 * written for the key until `settleMs` has passed and the record has been looked up again.
 */
export function createRelay(deps: RelayDeps): Relay {
  const { store, destination, teller, options, deliveryTime, logger } = deps;
  const queue = dueQueue();
  const inFlight = new Set<string>();
  /** Keys that got something new while they were in flight. */
  const renewed = new Set<string>();
  const failures = new Map<string, number>();
  const capped = new Set<string>();
  const cap = createOpeningCap(options.maxNewPerHour);
  const gate = createGate(
    { baseMs: options.baseMs, capMs: options.capMs, failures: options.breakerFailures },
    deps.random,
  );
  const limit = pLimit(options.concurrency);
  const told: RelayStatus['told'] = {
    created: 0,
    joined: 0,
    reopened: 0,
    noted: 0,
    recovered: 0,
    resolved: 0,
    charted: 0,
    adopted: 0,
    released: 0,
    'duplicate-canceled': 0,
    'dead-letter': 0,
  };
  let running = false;
  let lookUps = 0;
  let firstWriteAtMs = 0;
  let timer: Timer | undefined;
  let capTimer: Timer | undefined;
  let commits: (() => void)[] = [];
  let commitScheduled = false;
  let idleWaiters: (() => void)[] = [];
  let rejectedVersion: string | undefined;

  const now = () => deliveryTime.monotonicMs();

  function enqueue(key: string, delayMs = 0): void {
    queue.set(key, Math.max(now() + delayMs, firstWriteAtMs));
  }

  function schedule(): void {
    timer?.cancel();
    timer = undefined;
    const next = queue.nextAtMs();
    if (!running || next === undefined) return;
    const at = Math.max(next, gate.reopensAtMs() ?? 0);
    timer = deliveryTime.after(Math.max(0, at - now()), pump);
  }

  function pump(): void {
    timer?.cancel();
    timer = undefined;
    while (running) {
      const room = roomForKeys();
      // Whoever is in flight pumps again when it ends; a timer would only turn until then.
      if (room === 'busy') break;
      const keys = room === 'paused' ? [] : queue.takeDue(now(), room);
      if (keys.length === 0) {
        schedule();
        break;
      }
      for (const key of keys) inFlight.add(key);
      lookUps += 1;
      void deliver(keys).finally(() => {
        lookUps -= 1;
        pump();
      });
    }
    settleIdle();
  }

  /** Until one incident is known to be visible, and while a paused destination is tried, one key goes at a time. */
  function roomForKeys(): number | 'busy' | 'paused' {
    if (lookUps >= overlappingLookUps) return 'busy';
    const admitted = gate.admits(now());
    if (admitted === 'none') return 'paused';
    if (admitted === 'all' && store.knownRows().length > 0) return options.lookUpKeys;
    return inFlight.size > 0 ? 'busy' : 1;
  }

  interface Plan {
    key: string;
    entry: Entry;
    occurrence: Occurrence;
  }

  /** The first entry that does not wait for its quiet period, unless a dead letter stands before it. */
  function nextToTell(entries: readonly Entry[]): Entry | undefined {
    const next = entries.find((entry) => entry.dueAtMs === null);
    return next?.state === 'dead' ? undefined : next;
  }

  /** The first thing to tell of each key; keys without one leave the relay. */
  function plan(keys: readonly string[]): Plan[] {
    const plans: Plan[] = [];
    for (const key of keys) {
      const entry = nextToTell(store.entriesOf(key));
      const occurrence = entry && store.occurrence(entry.occurrenceId);
      if (entry === undefined || occurrence === undefined) {
        leave(key);
      } else plans.push({ key, entry, occurrence });
    }
    return plans;
  }

  async function deliver(keys: readonly string[]): Promise<void> {
    try {
      const plans = plan(keys);
      const charts = plans.filter((item) => item.entry.kind === 'chart' || item.entry.kind === 'end-chart');
      const texts = plans.filter((item) => !charts.includes(item));
      await Promise.all([...charts.map(attachChart), texts.length > 0 ? lookUpAndTell(texts) : undefined]);
    } catch (error) {
      // A bug, or a disk that refuses: nothing was told that is not stored, so the keys are tried again.
      logger.error({ err: error }, 'delivery failed unexpectedly');
      for (const key of keys) if (inFlight.has(key)) again(key, 'failed');
    }
  }

  async function lookUpAndTell(plans: readonly Plan[]): Promise<void> {
    const asked = {
      correlationIds: plans.map((item) => item.key),
      expected: plans.flatMap((item) => item.occurrence.incident?.sysId ?? []),
      known: store.knownRows(),
    };
    const answer = await limit(() =>
      destination.find({
        correlationIds: asked.correlationIds,
        sysIds: asked.known,
        limit: plans.length === 1 ? rowsPerKey : rowsPerLookUp,
      }),
    );
    if (!answer.ok) {
      await refused(answer);
      for (const item of plans) again(item.key, answer.kind === 'refused-record' ? 'failed' : answer.kind);
      return;
    }
    const lookUp = judge(asked, answer.value);
    switch (lookUp.outcome) {
      case 'believed':
        gateSucceeded();
        await tellAll(plans, lookUp.rows);
        return;
      case 'truncated':
        for (const item of plans) await lookUpAndTell([item]);
        return;
      case 'mismatch':
        pause(
          options.pauseMs,
          `The instance answered a look-up with ${lookUp.row.number}, which was not asked for: it dropped a part of the query. ` +
            'Nothing is written until its answers match; check the rights of this user on the fields correlation_id and sys_id.',
        );
        break;
      case 'blind':
        pause(
          options.pauseMs,
          'This user can create but not read incidents: none of the incidents that it made is visible. ' +
            'Grant it read access to the table (all were deleted? run: npm run handler -- trust-empty).',
        );
        break;
    }
    for (const item of plans) again(item.key, 'throttled');
  }

  /** One step a key: those that write are stored as attempts in one transaction, then sent. */
  async function tellAll(plans: readonly Plan[], rows: ReadonlyMap<string, IncidentRow[]>): Promise<void> {
    const writes: { item: Plan; step: Step }[] = [];
    store.transaction(() => {
      for (const item of plans) {
        // The message may have moved on while the look-up was under way.
        const occurrence = store.occurrence(item.occurrence.id) ?? item.occurrence;
        const fresh = { ...item, occurrence };
        if (item.entry.kind === 'chart' || item.entry.kind === 'end-chart') continue;
        const step = decide({
          wanted: item.entry.kind,
          occurrence,
          sequence: teller.sequenceOf(item.entry.kind, occurrence),
          rows: rows.get(item.key) ?? [],
          reopenWindowMs: options.reopenWindowMs,
          onRecovery: options.onRecovery,
        });
        if (step.do === 'create' && !cap.take(deps.time.monotonicMs())) {
          holdBack(item.key);
        } else if (isWrite(step)) {
          store.beginAttempt(item.entry.id);
          writes.push({ item: fresh, step });
        } else {
          settle(fresh, step, undefined);
          done(item.key);
        }
      }
    });
    if (writes.length > 0 && !store.hasWritten()) store.markWritten();
    await Promise.all(writes.map(({ item, step }) => limit(() => write(item, step))));
  }

  async function write(item: Plan, step: Step): Promise<void> {
    const result = await teller.write(step, item.occurrence);
    if (!result.ok) return writeFailed(item, result);
    gateSucceeded();
    commit(() => {
      settle(item, step, result.value);
      done(item.key);
    });
  }

  /** Stores the end of one attempt. Runs inside a transaction. */
  function settle(item: Plan, step: Step, row: IncidentRow | undefined): void {
    const latest = store.occurrence(item.occurrence.id) ?? item.occurrence;
    const outcome = teller.outcome(step, item.occurrence, latest, row);
    if (outcome.occurrence !== undefined) store.putOccurrence(outcome.occurrence);
    if (outcome.finished) store.finishEntry(item.entry.id);
    else store.abandonAttempt(item.entry.id);
    for (const kind of outcome.drop) store.dropWaiting(latest.id, kind);
    for (const kind of outcome.add) store.addEntry(latest, kind);
    const seen = row ?? ('row' in step ? step.row : undefined);
    if (seen !== undefined) store.addKnownRow(seen.sysId, seen.number);
    if (latest.phase === 'ended') store.retire(latest.id, options.keepEnded);
    if (outcome.told !== undefined) report(outcome.told, outcome.occurrence ?? latest);
  }

  async function attachChart(item: Plan): Promise<void> {
    const attempt = await limit(() =>
      teller.chart(item.entry.kind, item.occurrence, () => store.beginAttempt(item.entry.id)),
    );
    if (attempt.ok) {
      gateSucceeded();
    } else if (attempt.kind === 'refused-record' || attempt.kind === 'gone') {
      // A chart is an extra: what refuses it must not hold up what is told next.
      logger.warn({ key: item.key, reason: attempt.message }, 'chart not attached');
    } else return writeFailed(item, attempt);
    const attached = attempt.ok && attempt.value === 'attached';
    commit(() => {
      store.finishEntry(item.entry.id);
      const latest = store.occurrence(item.occurrence.id) ?? item.occurrence;
      if (latest.phase === 'ended') store.retire(latest.id, options.keepEnded);
      if (attached) report({ kind: 'charted', number: latest.incident?.number }, latest);
      done(item.key);
    });
  }

  async function writeFailed(item: Plan, failure: DestinationFailure): Promise<void> {
    if (failure.kind === 'ambiguous') {
      gateFailed(failure.message);
      inFlight.delete(item.key);
      enqueue(item.key, options.settleMs);
      return;
    }
    if (failure.kind === 'refused-record') {
      commit(() => {
        store.bury(item.entry.id, failure.message);
        report({ kind: 'dead-letter', reason: failure.message }, item.occurrence);
        leave(item.key);
      });
      return;
    }
    await refused(failure);
    commit(() => {
      store.abandonAttempt(item.entry.id);
      again(item.key, failure.kind);
    });
  }

  /** What a failure means for the whole destination. */
  async function refused(failure: DestinationFailure): Promise<void> {
    switch (failure.kind) {
      case 'throttled':
        pause(failure.retryAfterMs, failure.message);
        return;
      case 'refused-destination': {
        if (failure.cause === 'unauthenticated' && (await hasNewSecret())) return;
        pause(options.pauseMs, failure.message);
        return;
      }
      case 'not-sent':
      case 'ambiguous':
        gateFailed(failure.message);
        return;
      default:
        return;
    }
  }

  /** One attempt for each version of a secret: retries must not lock the account. */
  async function hasNewSecret(): Promise<boolean> {
    const used = destination.credentialsVersion();
    if (used !== undefined && used !== rejectedVersion) rejectedVersion = used;
    const secret = await destination.reauthenticate();
    return secret.ok && secret.version !== rejectedVersion;
  }

  function gateFailed(message: string): void {
    gate.failed(now(), message);
    logger.debug({ reason: message }, 'destination failed');
  }

  function gateSucceeded(): void {
    rejectedVersion = undefined;
    if (gate.succeeded() === 'recovered') logger.info('destination answers again');
  }

  function pause(forMs: number, message: string): void {
    if (gate.pause(now(), forMs, message) === 'new') logger.warn({ reason: message, forMs }, 'destination paused');
  }

  /** Tries the key again: after a backoff of its own where it failed, else as soon as the gate opens. */
  function again(key: string, why: DestinationFailure['kind'] | 'failed'): void {
    inFlight.delete(key);
    const own = why === 'failed' || why === 'not-sent' || why === 'ambiguous' || why === 'gone';
    const count = own ? (failures.get(key) ?? 0) + 1 : 0;
    if (count > 0) failures.set(key, count);
    enqueue(key, count === 0 ? 0 : backoffMs(count, options, deps.random));
  }

  /** The key may have more to tell. */
  function done(key: string): void {
    inFlight.delete(key);
    failures.delete(key);
    renewed.delete(key);
    enqueue(key);
  }

  /** Nothing is due for the key any more. */
  function leave(key: string): void {
    inFlight.delete(key);
    failures.delete(key);
    if (renewed.delete(key)) enqueue(key);
  }

  function holdBack(key: string): void {
    inFlight.delete(key);
    capped.add(key);
    if (capTimer !== undefined) return;
    logger.warn({ maxNewPerHour: options.maxNewPerHour }, 'cap on new incidents reached, the rest waits');
    capTimer = deps.time.after(cap.freeInMs(deps.time.monotonicMs()), () => {
      capTimer = undefined;
      const keys = [...capped];
      capped.clear();
      for (const key of keys) enqueue(key);
      pump();
    });
  }

  /** Stores the ends of all attempts that came in together in one transaction. */
  function commit(work: () => void): void {
    commits.push(work);
    if (commitScheduled) return;
    commitScheduled = true;
    setImmediate(() => {
      commitScheduled = false;
      const batch = commits;
      commits = [];
      try {
        store.transaction(() => {
          for (const work of batch) work();
        });
      } catch (error) {
        // Kept, and tried again: the attempts stay stored as open, so a crash meanwhile is safe too.
        logger.error({ err: error }, 'end of an attempt not stored');
        deliveryTime.after(options.baseMs, () => {
          for (const work of batch) commit(work);
        });
      }
      pump();
    });
  }

  function report(what: Told, occurrence: Occurrence): void {
    told[what.kind] += 1;
    deps.onTold?.(what, occurrence);
  }

  function isIdle(): boolean {
    return inFlight.size === 0 && queue.size === 0 && commits.length === 0 && !commitScheduled;
  }

  function settleIdle(): void {
    if (running ? !isIdle() : inFlight.size > 0 || commits.length > 0 || commitScheduled) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  return {
    start() {
      if (running) return;
      running = true;
      const startedAt = now();
      // An empty store may be a lost one, whose last request is still on its way.
      firstWriteAtMs = store.hasWritten() ? startedAt : startedAt + options.settleMs;
      for (const { correlationId, attemptOpen } of store.openKeys()) {
        enqueue(correlationId, attemptOpen ? options.settleMs : 0);
      }
      pump();
    },
    async stop() {
      running = false;
      timer?.cancel();
      capTimer?.cancel();
      capTimer = undefined;
      // What is on its way may end, so that the next start need not wait for it to settle.
      const deadline = new Promise<void>((resolve) => deliveryTime.after(stopWithinMs, resolve));
      const ended = (async () => {
        while (inFlight.size > 0 || commits.length > 0 || commitScheduled) {
          await new Promise<void>((resolve) => idleWaiters.push(resolve));
        }
      })();
      await Promise.race([ended, deadline]);
      queue.clear();
      inFlight.clear();
      capped.clear();
    },
    notify(correlationIds) {
      for (const key of correlationIds) {
        if (inFlight.has(key)) renewed.add(key);
        else if (!queue.has(key) && !capped.has(key)) enqueue(key);
      }
      pump();
    },
    retryNow() {
      gate.reopen();
      pump();
    },
    async findOpen(prefix) {
      if (!running || gate.admits(now()) !== 'all') return undefined;
      const answer = await limit(() => destination.findOpen({ prefix, limit: rowsPerLookUp }));
      if (!answer.ok) {
        await refused(answer);
        return undefined;
      }
      const stray = answer.value.rows.find((row) => !row.correlationId.startsWith(prefix));
      if (stray === undefined) return answer.value.rows;
      pause(options.pauseMs, `The instance answered a look-up with ${stray.number}, which was not asked for.`);
      return undefined;
    },
    idle() {
      return isIdle() ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve));
    },
    isIdle,
    status: () => ({
      keys: queue.size + inFlight.size + capped.size,
      inFlight: inFlight.size,
      gate: gate.describe(now()),
      settlingMs: Math.max(0, firstWriteAtMs - now()),
      told: { ...told },
    }),
  };
}
