import pLimit from 'p-limit';
import type { IncidentDestination, IncidentRow } from '../incident/destination.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { decide, type Step } from '../incident/policy.ts';
import type { BackoffPolicy } from '../platform/backoff.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import { createEnds } from './ends.ts';
import type { Entry } from './entry.ts';
import { createKeys } from './keys.ts';
import { createLine, type Failure, notNow } from './line.ts';
import { judge } from './look-up.ts';
import type { RelayStore } from './relay-store.ts';
import { isWrite, type Teller, type Told, type Written } from './tell.ts';

export interface RelayOptions extends BackoffPolicy {
  settleMs: number;
  concurrency: number;
  lookUpKeys: number;
  breakerFailures: number;
  pauseMs: number;
}

/** Read whenever it is needed: it may change. */
export interface RelayPolicy {
  readonly reopenWindowMs: number;
  readonly onRecovery: 'resolve' | 'note';
  readonly maxNewPerHour: number;
  /** Ended breaches that are kept for the record. */
  readonly keepEnded: number;
}

export interface RelayDeps {
  store: RelayStore;
  destination: IncidentDestination;
  teller: Teller;
  options: RelayOptions;
  policy: RelayPolicy;
  /** Event time: what the cap is measured with. */
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
  /** `unknownWrites`: another handler wrote to the instance until now, so what it sent is waited for as after a loss. */
  start(options?: { unknownWrites: boolean }): void;
  stop(): Promise<void>;
  /** Something was added for these keys. */
  notify(correlationIds: Iterable<string>): void;
  /** Tries a paused destination at once (a new secret, a person's word). */
  retryNow(): void;
  /** The policy has changed: what its cap held back is tried anew. */
  policyChanged(): void;
  /**
   * Open incidents by prefix, read through the relay's gate; undefined where the instance cannot be asked now, or does
   * not show what is known to exist. `complete` is false where there may be more, or where nothing shows that this user
   * can read: none is found, and none is known yet.
   */
  findOpen(prefix: string): Promise<{ rows: IncidentRow[]; complete: boolean } | undefined>;
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

/** A write that had to wait longer than this for its turn is looked up anew: people may have been there. */
const freshMs = 5_000;

const blindness =
  'This user can create but not read incidents: none of the incidents that it made is visible. ' +
  'Grant it read access to the table (all were deleted? run: npm run handler -- trust-empty).';

/** An entry on its way: what is told of which breach. */
interface Item {
  key: string;
  entry: Entry;
  occurrence: Occurrence;
}

/** What one run of a transaction's work begins; nothing of it counts unless that run is committed. */
interface Begun {
  sends: (() => Promise<void>)[];
  /** New incidents among them. */
  opened: number;
}

/**
 * Tells a destination what the outbox holds: in order for a key, in parallel across keys.
 * See `keys.ts` for the states of a key.
 *
 * An attempt is stored before it is sent. Where its end is ambiguous it stays stored as `sending`, and nothing is
 * written for the key until `settleMs` has passed and the record has been looked up again.
 */
export function createRelay(deps: RelayDeps): Relay {
  const { store, destination, teller, options, policy, deliveryTime, logger } = deps;
  const keys = createKeys({ ...deps, ...options, onReleased: pump });
  const line = createLine({
    ...deps,
    ...options,
    limit: pLimit(options.concurrency),
    isRunning: () => running,
  });
  const ends = createEnds({
    transaction: store.transaction,
    deliveryTime,
    retryMs: options.baseMs,
    logger,
    onCommitted: pump,
  });
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
  let stopping = new AbortController();
  let lookUps = 0;
  let firstWriteAtMs = 0;
  let timer: Timer | undefined;
  let idleWaiters: (() => void)[] = [];

  const now = () => deliveryTime.monotonicMs();

  // --- which key is next -----------------------------------------------------------------------------------------------

  function schedule(): void {
    const next = keys.nextAtMs();
    if (next === undefined) return;
    const at = Math.max(next, line.reopensAtMs() ?? 0);
    timer = deliveryTime.after(Math.max(0, at - now()), pump);
  }

  function pump(): void {
    timer?.cancel();
    timer = undefined;
    // With nothing queued the store need not be asked what is known: heartbeats come this way, too.
    while (running && keys.nextAtMs() !== undefined) {
      const room = roomForKeys();
      // Whoever is in flight pumps again when it ends; a timer would only turn until then.
      if (room === 'busy') break;
      const taken = room === 'paused' ? [] : keys.take(room);
      if (taken.length === 0) {
        schedule();
        break;
      }
      lookUps += 1;
      void deliver(taken).finally(() => {
        lookUps -= 1;
        pump();
      });
    }
    settleIdle();
  }

  /** Until one incident is known to be visible, and while a paused destination is tried, one key goes at a time. */
  function roomForKeys(): number | 'busy' | 'paused' {
    if (lookUps >= overlappingLookUps) return 'busy';
    const admitted = line.admits();
    if (admitted === 'none') return 'paused';
    if (admitted === 'all' && store.knownRows().length > 0) return options.lookUpKeys;
    return keys.inFlight() > 0 ? 'busy' : 1;
  }

  /** The first entry that does not wait for its quiet period, unless a dead letter stands before it. */
  function nextToTell(key: string): Entry | undefined {
    const next = store.nextEntry(key);
    return next?.state === 'dead' ? undefined : next;
  }

  /** The first thing to tell of each key; keys without one leave the relay. */
  function plan(taken: readonly string[]): Item[] {
    const items: Item[] = [];
    for (const key of taken) {
      const entry = nextToTell(key);
      const occurrence = entry && store.occurrence(entry.occurrenceId);
      if (entry === undefined || occurrence === undefined) keys.leave(key);
      else items.push({ key, entry, occurrence });
    }
    return items;
  }

  // --- from the look-up to the end of the attempt ------------------------------------------------------------------------

  function deliver(taken: readonly string[]): Promise<void> {
    return guarded(taken, async () => {
      const items = plan(taken);
      if (items.length > 0) await lookUpAndTell(items);
    });
  }

  /**
   * Outlives a bug, or a disk that refuses: the keys are tried again, those with an open attempt as after an ambiguous
   * end. Each write is guarded alone, for others go on beside it.
   */
  async function guarded(own: readonly string[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (running) logger.error({ err: error }, 'delivery failed unexpectedly');
      for (const key of own) {
        if (!keys.isInFlight(key)) continue;
        if (mayBeUnderWay(key)) keys.settle(key, options.settleMs);
        else keys.again(key, true);
      }
    }
  }

  function mayBeUnderWay(key: string): boolean {
    try {
      return store.entriesOf(key).some((entry) => entry.state === 'sending');
    } catch {
      return true;
    }
  }

  async function lookUpAndTell(items: readonly Item[]): Promise<void> {
    const asked = {
      correlationIds: items.map((item) => item.key),
      expected: items.flatMap((item) => item.occurrence.incident?.sysId ?? []),
      known: store.knownRows(),
    };
    const answer = await line.send(() =>
      destination.find({
        correlationIds: asked.correlationIds,
        sysIds: [...new Set([...asked.known, ...asked.expected])],
        limit: items.length === 1 ? rowsPerKey : rowsPerLookUp,
      }),
    );
    const lookedUpAtMs = now();
    if (!answer.ok) {
      // One key may be what the instance cannot take; alone it holds up nobody but itself.
      if (answer.kind === 'refused-record' && items.length > 1) return oneByOne(items);
      for (const { key } of items) again(key, answer);
      return;
    }
    const lookUp = judge(asked, answer.value);
    switch (lookUp.outcome) {
      case 'believed':
        line.succeeded();
        return tellAll(items, lookUp.rows, lookedUpAtMs);
      case 'truncated':
        return oneByOne(items);
      case 'mismatch':
        line.pause(
          options.pauseMs,
          `The instance answered a look-up with ${lookUp.row.number}, which was not asked for: it dropped a part of the query. ` +
            'Nothing is written until its answers match; check the rights of this user on the fields correlation_id and sys_id.',
        );
        break;
      case 'blind':
        line.pause(options.pauseMs, blindness);
        break;
    }
    for (const { key } of items) again(key, notNow);
  }

  async function oneByOne(items: readonly Item[]): Promise<void> {
    for (const item of items) await guarded([item.key], () => lookUpAndTell([item]));
  }

  /** One step a key: those that write are stored as attempts in one transaction, then sent. */
  async function tellAll(
    items: readonly Item[],
    rows: ReadonlyMap<string, IncidentRow[]>,
    lookedUpAtMs: number,
  ): Promise<void> {
    // Made anew by each run of the work: a full disk has it run twice, and what is sent or counted twice is wrong.
    const { sends, opened, after } = store.transaction(() => {
      const begun: Begun = { sends: [], opened: 0 };
      const after = items.map((item) => tell(item, rows.get(item.key) ?? [], lookedUpAtMs, begun));
      return { ...begun, after };
    });
    keys.opened(opened);
    for (const done of after) done();
    if (sends.length === 0) return;
    // An end needs no sync of its own: without it the attempt is open, and the next start looks it up.
    await new Promise<void>((resolve) => store.afterSync(resolve));
    await Promise.all(sends.map((sendOne) => sendOne()));
  }

  /** Decides the step of a key. Runs inside a transaction; answers what is to be done after it. */
  function tell(
    { key, entry, occurrence: planned }: Item,
    rows: readonly IncidentRow[],
    lookedUpAtMs: number,
    begun: Begun,
  ): () => void {
    // Messages may have come in while the look-up was under way.
    if (nextToTell(key)?.id !== entry.id) return () => keys.done(key);
    const item = { key, entry, occurrence: store.occurrence(planned.id) ?? planned };
    const { occurrence } = item;
    if (entry.kind === 'chart' || entry.kind === 'end-chart') {
      // Charts are seen by whoever sees the incident; one that is gone gets none.
      if (!rows.some((row) => row.sysId === occurrence.incident?.sysId)) {
        finish(item, occurrence);
        return () => keys.done(key);
      }
      begun.sends.push(() => guarded([key], () => attachChart(item)));
      return () => {};
    }
    const step = decide({
      wanted: entry.kind,
      occurrence,
      sequence: teller.sequenceOf(entry.kind, occurrence),
      rows,
      reopenWindowMs: policy.reopenWindowMs,
      onRecovery: policy.onRecovery,
    });
    if (step.do === 'create' && !keys.mayOpen(begun.opened)) return () => keys.holdBack(key);
    if (!isWrite(step)) return settle(item, step, undefined);
    store.beginAttempt(entry.id);
    store.markWritten();
    if (step.do === 'create') begun.opened += 1;
    begun.sends.push(() => guarded([key], () => write(item, step, lookedUpAtMs)));
    return () => {};
  }

  async function write(item: Item, step: Step, lookedUpAtMs: number): Promise<void> {
    const result = await line.send(() => teller.write(step, item.occurrence), lookedUpAtMs + freshMs);
    if (!result.ok) return writeFailed(item, result);
    line.succeeded();
    ends.add(() => settle(item, step, result.value));
  }

  async function attachChart(item: Item): Promise<void> {
    const begin = () => {
      store.transaction(() => store.beginAttempt(item.entry.id));
      return new Promise<void>((resolve) => store.afterSync(resolve));
    };
    const attempt = { begin, signal: stopping.signal, mayBeAttached: item.entry.attempts > 0 };
    const result = await line.send(() => teller.chart(item.entry.kind, item.occurrence, attempt));
    if (result.ok && result.value === 'put off') return writeFailed(item, notNow);
    // A chart is an extra: what refuses it must not hold up what is told next.
    const isExtra = !result.ok && (result.kind === 'refused-record' || result.kind === 'gone');
    if (!result.ok && !isExtra) return writeFailed(item, result);
    if (result.ok) line.succeeded();
    else logger.warn({ key: item.key, reason: reasonOf(result) }, 'chart not attached');
    const isAttached = result.ok && result.value === 'attached';
    ends.add(() => {
      const latest = store.occurrence(item.occurrence.id) ?? item.occurrence;
      finish(item, latest);
      return () => {
        if (isAttached) report({ kind: 'charted', number: latest.incident?.number }, latest);
        keys.done(item.key);
      };
    });
  }

  /** Stores the end of one attempt. Runs inside a transaction; answers what is to be done after it. */
  function settle(item: Item, step: Step, written: Written | undefined): () => void {
    const before = store.occurrence(item.occurrence.id) ?? item.occurrence;
    const outcome = teller.outcome(step, item.occurrence, before, written);
    const latest = outcome.occurrence ?? before;
    if (outcome.occurrence !== undefined) store.putOccurrence(latest);
    for (const kind of outcome.drop) store.dropWaiting(latest.id, kind);
    for (const kind of outcome.add) store.addEntry(latest, kind);
    const seen = written?.row ?? ('row' in step ? step.row : undefined);
    if (seen !== undefined) store.addKnownRow(seen.sysId, seen.number);
    if (outcome.finished) finish(item, latest);
    else store.abandonAttempt(item.entry.id);
    const { told: what } = outcome;
    return () => {
      if (what !== undefined) report(what, latest);
      keys.done(item.key);
    };
  }

  function finish(item: Item, latest: Occurrence): void {
    store.finishEntry(item.entry.id);
    if (latest.phase === 'ended') store.retire(latest.id, policy.keepEnded);
  }

  function writeFailed(item: Item, failure: Failure): void {
    const { key, entry } = item;
    if (failure.kind === 'ambiguous') {
      keys.settle(key, options.settleMs);
      return;
    }
    if (failure.kind === 'refused-record') {
      ends.add(() => {
        store.bury(entry.id, failure.message);
        return () => {
          report({ kind: 'dead-letter', reason: failure.message }, item.occurrence);
          keys.leave(key);
        };
      });
      return;
    }
    ends.add(() => {
      store.abandonAttempt(entry.id);
      return () => again(key, failure);
    });
  }

  /** Tries the key again. A failure of the destination is not its own: it waits for the gate alone. */
  function again(key: string, { kind }: Failure): void {
    keys.again(key, kind !== 'not-now' && kind !== 'throttled' && kind !== 'refused-destination');
  }

  function report(what: Told, occurrence: Occurrence): void {
    told[what.kind] += 1;
    deps.onTold?.(what, occurrence);
  }

  function isIdle(): boolean {
    return keys.isEmpty() && ends.isIdle();
  }

  function settleIdle(): void {
    if (running ? !isIdle() : keys.inFlight() > 0 || !ends.isIdle()) return;
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const waiter of waiters) waiter();
  }

  return {
    start({ unknownWrites } = { unknownWrites: false }) {
      if (running) return;
      running = true;
      stopping = new AbortController();
      ends.start();
      // An empty store may be a lost one, whose last request is still on its way.
      firstWriteAtMs = now() + (unknownWrites || !store.hasWritten() ? options.settleMs : 0);
      // What came in before the start is among the keys of the store, where open attempts are known.
      keys.stop();
      keys.notBefore(firstWriteAtMs);
      for (const { correlationId, attemptOpen } of store.openKeys()) {
        keys.add(correlationId, attemptOpen ? options.settleMs : 0);
      }
      pump();
    },
    async stop() {
      if (!running) return;
      running = false;
      stopping.abort();
      timer?.cancel();
      keys.stop();
      // What is on its way may end, so that the next start need not wait for it to settle.
      let deadline: Timer | undefined;
      const passed = new Promise<void>((resolve) => {
        deadline = deliveryTime.after(stopWithinMs, resolve);
      });
      const ended = (async () => {
        while (keys.inFlight() > 0 || !ends.isIdle()) await new Promise<void>((resolve) => idleWaiters.push(resolve));
      })();
      await Promise.race([ended, passed]);
      deadline?.cancel();
      ends.stop();
      keys.abandon();
      settleIdle();
    },
    notify(correlationIds) {
      for (const key of correlationIds) keys.add(key);
      pump();
    },
    retryNow() {
      line.reopen();
      pump();
    },
    policyChanged: keys.release,
    async findOpen(prefix) {
      if (!running || now() < firstWriteAtMs) return undefined;
      // After a pause this may be the only request there is: with no key in flight it is the one that is let through.
      const admitted = line.admits();
      if (admitted === 'none' || (admitted === 'one' && keys.inFlight() > 0)) return undefined;
      const known = store.knownRows();
      const answer = await line.send(() => destination.findOpen({ prefix, sysIds: known, limit: rowsPerLookUp }));
      if (!answer.ok) return undefined;
      const { rows, complete } = answer.value;
      const stray = rows.find((row) => !row.correlationId.startsWith(prefix) && !known.includes(row.sysId));
      if (stray !== undefined) {
        line.pause(options.pauseMs, `The instance answered a look-up with ${stray.number}, which was not asked for.`);
        return undefined;
      }
      if (rows.length === 0 && known.length > 0) {
        line.pause(options.pauseMs, blindness);
        return undefined;
      }
      if (admitted === 'one') {
        // An empty answer may be one of a user who cannot read.
        if (rows.length === 0) return undefined;
        line.succeeded();
        pump();
      }
      return {
        rows: rows.filter((row) => row.correlationId.startsWith(prefix)),
        complete: complete && rows.length > 0,
      };
    },
    async idle() {
      while (!isIdle()) await new Promise<void>((resolve) => idleWaiters.push(resolve));
    },
    isIdle,
    status: () => ({
      keys: keys.size(),
      inFlight: keys.inFlight(),
      gate: line.describe(),
      settlingMs: Math.max(0, firstWriteAtMs - now()),
      told: { ...told },
    }),
  };
}

function reasonOf(failure: Failure): string {
  return failure.kind === 'not-now' ? 'not sent' : failure.message;
}
