import { type AnomalyMessage, handlerRules, type Key, type Rule } from '../anomaly/anomaly.ts';
import { correlationId, occurrenceId } from '../anomaly/identity.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { endedUnder, isSilenced, type Silence } from '../incident/silence.ts';
import { admit, calm, type SiteWeather, type StormPolicy } from '../incident/storm-guard.ts';
import { isoUtc, type Time } from '../platform/time.ts';
import { handlerDevice } from '../transport/topics.ts';
import type { HandlerStore } from './store.ts';

/** Read whenever it is needed: it may change. */
export interface IntakePolicy {
  readonly quietMs: number;
  readonly onRecovery: 'resolve' | 'note';
  readonly noteIntervalMs: number;
  readonly storm: StormPolicy;
  readonly keepEnded: number;
  readonly maxDevices: number;
}

export interface IntakeOptions {
  policy: IntakePolicy;
  attachChart: boolean;
}

export type Verdict =
  | { result: 'accepted' | 'duplicate'; highWater: number }
  | { result: 'rejected'; reason: string; highWater: number };

/** What the handler itself says: `device-silent`, `broker-silent`, `storm`. */
export interface OwnBreach {
  key: Key;
  severity: AnomalyMessage['severity'];
  text: string;
  startedAtMs: number;
  value: number | null;
  limit: number | null;
  unit: string;
}

/** The handler's own installation: what it raises itself has an identity like any monitor's. */
export interface OwnIdentity {
  installationId: string;
  createdAt: string;
  bootId: string;
}

export type Intake = ReturnType<typeof createIntake>;

/**
 * Turns accepted messages into occurrences and outbox entries. Every method is called inside a transaction of the
 * store, together with what else belongs to the same message; the keys that have something new to tell are collected
 * in `woken`.
 */
export function createIntake(store: HandlerStore, options: IntakeOptions, own: OwnIdentity, time: Time) {
  const weather = new Map<string, SiteWeather>();
  let silences: readonly Silence[] = [];
  let woken = new Set<string>();
  let deviceCount = store.countDevices();

  /** Storms and silences as the store has them: at a start, and after a transaction that was rolled back. */
  function reload(): void {
    deviceCount = store.countDevices();
    silences = store.silences();
    weather.clear();
    for (const { id, message } of store.storms()) weather.set(message.site, { state: 'storming', stormId: id });
  }
  reload();

  function accept(message: AnomalyMessage): Verdict {
    const correlation = correlationId(message);
    const highWater = store.highWater(message, correlation);
    const reject = (reason: string): Verdict => ({ result: 'rejected', reason, highWater });
    if (isOwnRule(message.rule)) return reject(`rule ${message.rule} is raised by the handler alone`);
    if (message.deviceId === handlerDevice) return reject(`the device id ${handlerDevice} is the handler's own`);
    if (message.id !== occurrenceId(message.installationId, message, message.firingSequence)) {
      return reject('the id does not follow from installation, key and firingSequence');
    }
    if (message.firingSequence > message.sequence) return reject('firingSequence is above sequence');
    const installation = takeInstallation(message);
    if (installation === 'older') return reject('a newer installation speaks for this device');
    if (installation === 'too many devices') {
      return reject(`more devices than handler.maxDevices (${options.policy.maxDevices}); raise it to serve this one`);
    }
    if (message.sequence <= highWater) return { result: 'duplicate', highWater };
    store.setHighWater(message, correlation, message.sequence);
    take(message);
    return { result: 'accepted', highWater: message.sequence };
  }

  /** The newer installation wins; an older one is not heard any more. */
  function takeInstallation(
    message: Pick<AnomalyMessage, 'site' | 'deviceId' | 'installationId' | 'installationCreatedAt'>,
  ): 'taken' | 'older' | 'too many devices' {
    const { site, deviceId } = message;
    const known = store.installation(site, deviceId);
    const offered = { id: message.installationId, createdAt: message.installationCreatedAt };
    if (known?.id === offered.id) {
      // Its clock was set meanwhile: by the old time its successor might look older.
      if (known.createdAt !== offered.createdAt) store.setInstallation(site, deviceId, offered);
      return 'taken';
    }
    if (known !== undefined) {
      if (!isNewer(offered, known)) return 'older';
      store.forgetHighWater({ site, deviceId, installationId: known.id });
    } else {
      if (deviceCount >= options.policy.maxDevices) return 'too many devices';
      deviceCount += 1;
    }
    store.setInstallation(site, deviceId, offered);
    return 'taken';
  }

  function take(message: AnomalyMessage): void {
    const known = store.occurrence(message.id);
    if (message.phase === 'resolved') end(known ?? fire(message, 'ended'), message);
    else if (known === undefined || known.phase === 'ended') fire(message, 'firing');
    else update(known, message);
  }

  function fire(message: AnomalyMessage, phase: Occurrence['phase']): Occurrence {
    const correlation = correlationId(message);
    const older = supersede(correlation, message);
    const placed = older === undefined ? placeOf(message, correlation) : placeAfter(older, message, correlation);
    const occurrence: Occurrence = {
      id: message.id,
      correlationId: correlation,
      phase,
      ...placed,
      message,
      toldSeverity: placed.place === 'attached' ? (older?.toldSeverity ?? null) : null,
      notedAtMs: Date.parse(message.at),
      updatesSinceNote: 0,
      silence: isHeldBack(placed, message) ? 'holds' : 'none',
    };
    if (placed.place === 'wanted' && occurrence.silence === 'none') goOn(occurrence);
    store.putOccurrence(occurrence);
    if (placed.place === 'wanted') {
      add(occurrence, 'open');
      if (options.attachChart && message.window.length > 1) add(occurrence, 'chart');
    }
    // Under its new name it may be held by nothing, and have been the last one of its storm.
    if (older?.heldBy != null && older.heldBy !== placed.heldBy) endOfHeld(older.heldBy);
    return occurrence;
  }

  /**
   * A breach inside the quiet period goes on in the same incident: its resolution is no longer wanted. After the quiet
   * period it is resolved first, and then reopened.
   */
  function goOn({ correlationId: correlation, message }: Occurrence): void {
    const startedAtMs = Date.parse(message.startedAt);
    store.endQuietBy(correlation, startedAtMs);
    const ended = store.dropQuietResolves(correlation, startedAtMs);
    for (const id of ended) store.retire(id, options.policy.keepEnded);
  }

  function placeOf(message: AnomalyMessage, correlation: string): Placed {
    if (message.opener === 'cloud') return { place: 'recorded', heldBy: null, incident: null };
    if (message.rule === 'storm' || message.rule === 'broker-silent') return wanted;
    // What opens only after a silence counts for a storm then.
    if (isHeldBack(wanted, message)) return wanted;
    const before = weather.get(message.site);
    // One that people have ended is over by this, and holds nothing new.
    if (before?.state === 'storming') tellStorm(before.stormId);
    const { weather: next, admission } = admit(
      weather.get(message.site) ?? calm,
      correlation,
      time.monotonicMs(),
      options.policy.storm,
    );
    weather.set(message.site, next);
    if (admission === 'own') return wanted;
    const stormId = next.state === 'storming' ? next.stormId : beginStorm(message.site);
    return { place: 'held', heldBy: stormId, incident: null };
  }

  /** The same physical breach goes on under another id, so it stays where it was: in its incident, or with people. */
  function placeAfter(older: Occurrence, message: AnomalyMessage, correlation: string): Placed {
    if (message.opener === 'cloud') return { place: 'recorded', heldBy: null, incident: null };
    if (older.place === 'released') return { place: 'released', heldBy: null, incident: older.incident };
    // Under a silence its incident is not told of the new name, only of the end.
    if (older.place === 'attached' && isHeldBack(older, message)) {
      return { place: 'attached', heldBy: null, incident: older.incident };
    }
    // A storm that has listed it goes on telling of it, whatever silence covers the key.
    if (older.place === 'held' && lasts(older.heldBy)) return pickPlace(older);
    return older.place === 'held' || older.place === 'recorded' ? placeOf(message, correlation) : wanted;
  }

  /** Whether a storm goes on, and people have not ended its incident. */
  function lasts(stormId: string | null): boolean {
    const storm = stormId === null ? undefined : store.occurrence(stormId);
    return storm?.phase === 'firing' && storm.place !== 'released';
  }

  function beginStorm(site: string): string {
    const { keys, windowMs } = options.policy.storm;
    const storm = raise({
      key: { site, deviceId: '*', metric: '*', rule: 'storm' },
      severity: 'critical',
      text: `more than ${keys} breaches opened at this site within ${windowMs / 1_000} s`,
      startedAtMs: time.wallMs(),
      value: null,
      limit: keys,
      unit: '',
    });
    weather.set(site, { state: 'storming', stormId: storm.id });
    return storm.id;
  }

  /** Lists what a storm holds and has not listed: at most once a window while it lasts, then without a pause. */
  function tellStorm(stormId: string): void {
    const storm = store.occurrence(stormId);
    if (storm === undefined || storm.place === 'wanted') return;
    if (storm.place === 'released') {
      breakUp(storm);
      return;
    }
    if (!store.isAnyUnlisted(stormId)) return;
    const isTooSoon =
      storm.silence === 'holds' || !hasPassed(storm.notedAtMs, time.wallMs(), options.policy.storm.windowMs);
    if (storm.phase === 'firing' && isTooSoon) return;
    const phase = storm.phase === 'firing' ? 'updated' : 'resolved';
    const count = store.countHeld(stormId);
    store.putOccurrence({ ...storm, message: nextOwn(storm, { phase, value: count, peak: count }) });
    add(storm, 'update');
  }

  /** People have ended the incident of a storm: what it never listed is no part of what they decided, and opens anew. */
  function breakUp(storm: Occurrence): void {
    const { site } = storm.message;
    store.dropWaiting(storm.id, 'update');
    store.putOccurrence({ ...storm, phase: 'ended' });
    store.retire(storm.id, options.policy.keepEnded);
    const current = weather.get(site);
    // One that was over by itself, before a note of it was told, may have a successor.
    if (current?.state === 'storming' && current.stormId === storm.id) weather.set(site, calm);
    const untold = store.heldUnlisted(storm.id, Number.MAX_SAFE_INTEGER).filter((one) => one.toldSeverity === null);
    for (const one of untold.sort(byStart)) openAnew(one);
    const now = weather.get(site);
    if (now?.state === 'storming') endOfHeld(now.stormId);
  }

  function openAnew(occurrence: Occurrence): void {
    const { message, correlationId: correlation, phase } = occurrence;
    const opened: Occurrence = { ...occurrence, ...pickPlace(placeOf(message, correlation)) };
    store.putOccurrence(opened);
    if (opened.place !== 'wanted') return;
    goOn(opened);
    add(opened, 'open');
    if (phase !== 'ended') return;
    // A later breach of the key that goes on keeps their incident open.
    const goesOn = store.firingOf(correlation).some(({ place }) => place === 'wanted' || place === 'attached');
    tellEnd(opened, goesOn ? 'note' : 'resolve');
  }

  /**
   * Ends what fires for this key under another id: its monitor has a new installation. Answers it; no recovery is told,
   * for the new one goes on. Its opening is told all the same, for it alone knows the true start; the new one joins.
   */
  function supersede(correlation: string, by: AnomalyMessage): Occurrence | undefined {
    const older = store.firingOf(correlation).filter((one) => one.id !== by.id);
    for (const one of older) {
      const isUntold = one.place === 'wanted' && one.silence === 'holds';
      const isOpened = one.place === 'wanted' && !isUntold && by.opener !== 'cloud';
      for (const kind of isOpened ? (['update'] as const) : (['open', 'chart', 'update'] as const)) {
        store.dropWaiting(one.id, kind);
      }
      store.putOccurrence({ ...one, phase: 'ended', place: isUntold ? 'recorded' : one.place });
      store.retire(one.id, options.policy.keepEnded);
    }
    return older.at(-1);
  }

  function update(known: Occurrence, message: AnomalyMessage): void {
    const occurrence = { ...known, message, updatesSinceNote: known.updatesSinceNote + 1 };
    store.putOccurrence(occurrence);
    if (known.place !== 'attached') return;
    const changed = known.toldSeverity !== null && known.toldSeverity !== message.severity;
    const isDue = hasPassed(known.notedAtMs, Date.parse(message.at), options.policy.noteIntervalMs);
    if (changed || isDue) add(occurrence, 'update');
  }

  function end(known: Occurrence, message: AnomalyMessage): void {
    const occurrence = ended(known, message);
    if (occurrence.place === 'held' && occurrence.heldBy !== null) {
      endOfHeld(occurrence.heldBy);
    } else if (isEndTold(occurrence)) {
      tellEnd(occurrence);
    } else {
      resolvePredecessor(occurrence.correlationId, message.at);
    }
    store.retire(occurrence.id, options.policy.keepEnded);
  }

  function tellEnd(occurrence: Occurrence, recovery: 'resolve' | 'note' = 'resolve'): void {
    const { message } = occurrence;
    add(occurrence, 'recover');
    if (options.attachChart && message.window.length > 1) add(occurrence, 'end-chart');
    if (recovery === 'resolve') resolveAfterQuiet(occurrence, message.at);
  }

  function resolveAfterQuiet(occurrence: Occurrence, at: string): void {
    if (options.policy.onRecovery !== 'resolve') return;
    store.addEntry(occurrence, 'resolve', Date.parse(at) + options.policy.quietMs);
  }

  /**
   * A breach of which nothing is told had taken over the incident of the one before it, whose resolution it called off;
   * that incident may still be to be made.
   */
  function resolvePredecessor(correlation: string, quietSince?: string): void {
    const predecessor = store.lastTold(correlation);
    if (predecessor !== undefined) resolveAfterQuiet(predecessor, quietSince ?? predecessor.message.at);
  }

  /** Stores an end. What ended under a silence before anything was told of it is recorded only. */
  function ended(known: Occurrence, message: AnomalyMessage): Occurrence {
    const isUntold =
      known.place === 'wanted' && known.silence === 'holds' && isEndedUnder(message) && !isStormOfOthers(known);
    const occurrence: Occurrence = { ...known, phase: 'ended', message, place: isUntold ? 'recorded' : known.place };
    for (const kind of isUntold ? (['open', 'chart', 'update'] as const) : (['update'] as const)) {
      store.dropWaiting(known.id, kind);
    }
    store.putOccurrence(occurrence);
    return occurrence;
  }

  function isEndedUnder(message: AnomalyMessage): boolean {
    return endedUnder(silences, message, endOnTheWall(message));
  }

  /** Whether a storm holds what was over before its silence: that is told in any case. */
  function isStormOfOthers({ id, message: { rule } }: Occurrence): boolean {
    if (rule !== 'storm') return false;
    return store.heldUnlisted(id, Number.MAX_SAFE_INTEGER).some(({ message }) => !isEndedUnder(message));
  }

  /**
   * When it ended by the clock of silences. Of that a device's clock says nothing while it is known to be wrong, or is
   * ahead: then it ended when it was told.
   */
  function endOnTheWall({ endedAt, at, clockSynchronised, clockSource }: AnomalyMessage): number {
    const nowMs = time.wallMs();
    const isWrong = !clockSynchronised && clockSource !== 'none';
    return isWrong ? nowMs : Math.min(nowMs, Date.parse(endedAt ?? at));
  }

  /** An opening whose attempt was begun may have been made, and then its incident hears of the end, too. */
  function isEndTold(occurrence: Occurrence): boolean {
    return occurrence.place !== 'recorded' || isOpeningBegun(occurrence);
  }

  function isOpeningBegun({ id, correlationId: correlation }: Occurrence): boolean {
    return store
      .entriesOf(correlation)
      .some((entry) => entry.occurrenceId === id && entry.kind === 'open' && entry.state !== 'waiting');
  }

  function endOfHeld(stormId: string): void {
    const storm = store.occurrence(stormId);
    // One that people ended is over; what it listed stays with it.
    if (storm === undefined || (storm.phase === 'ended' && storm.place === 'released')) return;
    if (store.isAnyHeldFiring(stormId)) {
      tellStorm(stormId);
      return;
    }
    weather.set(storm.message.site, calm);
    settleOwn(storm.correlationId);
  }

  /** A breach that a storm holds turns out to be in an incident already: it goes on there. */
  function letGo(occurrence: Occurrence): void {
    const silence = isHeldBack(wanted, occurrence.message) ? 'holds' : occurrence.silence;
    store.putOccurrence({ ...occurrence, place: 'wanted', heldBy: null, silence });
    if (silence === 'none') goOn(occurrence);
    add(occurrence, 'open');
    if (occurrence.heldBy !== null) endOfHeld(occurrence.heldBy);
  }

  /** Raises a breach of the handler's own; one that fires already is left as it is. */
  function raise(breach: OwnBreach): Occurrence {
    const correlation = correlationId(breach.key);
    const [firing] = store.firingOf(correlation);
    if (firing !== undefined) return firing;
    const speaker = { ...breach.key, installationId: own.installationId };
    const sequence = store.highWater(speaker, correlation) + 1;
    store.setHighWater(speaker, correlation, sequence);
    const at = isoUtc(time.wallMs());
    return fire(
      {
        version: 1,
        id: occurrenceId(own.installationId, breach.key, sequence),
        installationId: own.installationId,
        installationCreatedAt: own.createdAt,
        ...breach.key,
        sequence,
        firingSequence: sequence,
        phase: 'firing',
        opener: 'edge',
        severity: breach.severity,
        unit: breach.unit,
        value: breach.value,
        limit: breach.limit,
        deadband: null,
        peak: breach.value,
        startedAt: isoUtc(breach.startedAtMs),
        endedAt: null,
        endReason: null,
        at,
        text: breach.text,
        configVersion: '-',
        window: [],
        bootId: own.bootId,
        monotonicMs: Math.max(0, time.monotonicMs()),
        clockSynchronised: true,
        clockSource: 'handler',
      },
      'firing',
    );
  }

  /** Ends what the handler raised itself for this key, if it fires. */
  function settleOwn(correlation: string): void {
    for (const firing of store.firingOf(correlation)) endOwn(firing, 'cleared');
  }

  function endOwn(firing: Occurrence, endReason: AnomalyMessage['endReason']): void {
    const at = isoUtc(time.wallMs());
    end(firing, nextOwn(firing, { phase: 'resolved', endedAt: at, endReason, at }));
  }

  /** Ends what these rules of the handler's own raised: they are switched off. */
  function endRemoved(removed: readonly Rule[]): void {
    for (const firing of store.allFiring()) {
      if (removed.includes(firing.message.rule)) endOwn(firing, 'rule removed');
    }
  }

  /** Ends a breach that its device does not know any more; its true end is not known. */
  function orphan(occurrence: Occurrence, atMs: number, policy: 'resolve' | 'note'): void {
    const at = isoUtc(atMs);
    const message: AnomalyMessage = {
      ...occurrence.message,
      sequence: occurrence.message.sequence + 1,
      phase: 'resolved',
      endedAt: at,
      endReason: 'no longer known',
      at,
      window: [],
    };
    const orphaned = ended(occurrence, message);
    if (orphaned.place === 'held' && orphaned.heldBy !== null) {
      endOfHeld(orphaned.heldBy);
    } else if (isEndTold(orphaned)) {
      add(orphaned, 'recover');
      if (policy === 'resolve') add(orphaned, 'resolve');
    }
    store.retire(orphaned.id, options.policy.keepEnded);
  }

  /** Only what has, or shall have, an incident of its own has something that can be held back. */
  function isHeldBack({ place }: Pick<Occurrence, 'place'>, key: Key): boolean {
    return (place === 'wanted' || place === 'attached') && isSilenced(silences, key, time.wallMs());
  }

  /** Drops silences that are over, and brings what fires in line with the others. */
  function applySilences(): void {
    store.removeEndedSilences(time.wallMs());
    silences = store.silences();
    for (const { id } of store.allFiring()) {
      // Read anew: lifting another one may have moved it.
      const firing = store.occurrence(id);
      if (firing === undefined) continue;
      const holds = isHeldBack(firing, firing.message);
      if (holds && firing.silence !== 'holds') store.putOccurrence({ ...firing, silence: 'holds' });
      if (!holds && firing.silence === 'holds') lift(firing);
    }
  }

  /** It still fires when its silence has ended: what waited is told now. */
  function lift(occurrence: Occurrence): void {
    const opens = occurrence.place === 'wanted' && !isOpeningBegun(occurrence);
    const placed = opens ? placeOf(occurrence.message, occurrence.correlationId) : occurrence;
    const lifted: Occurrence = { ...occurrence, ...pickPlace(placed), silence: 'lifted' };
    store.putOccurrence(lifted);
    if (lifted.place === 'wanted') goOn(lifted);
    if (lifted.place === 'held') {
      for (const kind of ['open', 'chart'] as const) store.dropWaiting(lifted.id, kind);
      // Before the silence it may have called off the resolution of the incident that it is not in now.
      resolvePredecessor(lifted.correlationId);
    }
    woken.add(lifted.correlationId);
  }

  /** The end of a breach that was recorded only turns out to be missing in an incident. */
  function tellEndIn(occurrence: Occurrence, incident: NonNullable<Occurrence['incident']>): void {
    const attached: Occurrence = { ...occurrence, place: 'attached', incident };
    store.putOccurrence(attached);
    tellEnd(attached);
  }

  /** Resolves the incident of a breach whose end it tells already: who told it did not come to resolve it. */
  function resolveEnded(occurrence: Occurrence): void {
    store.putOccurrence(occurrence);
    add(occurrence, 'resolve');
  }

  /** The next message about something that the handler raised itself. */
  function nextOwn(occurrence: Occurrence, change: Partial<AnomalyMessage>): AnomalyMessage {
    const { message, correlationId: correlation } = occurrence;
    const speaker = { site: message.site, deviceId: message.deviceId, installationId: own.installationId };
    const sequence = Math.max(message.sequence, store.highWater(speaker, correlation)) + 1;
    store.setHighWater(speaker, correlation, sequence);
    return { ...message, at: isoUtc(time.wallMs()), ...change, sequence };
  }

  function add(occurrence: Occurrence, kind: Parameters<HandlerStore['addEntry']>[1]): void {
    store.addEntry(occurrence, kind);
    woken.add(occurrence.correlationId);
  }

  return {
    reload,
    accept,
    takeInstallation,
    /** Adopts a breach that fires at its device and is unknown here. */
    adopt(message: AnomalyMessage): void {
      take(message);
    },
    raise,
    settleOwn,
    endRemoved,
    orphan,
    tellEndIn,
    resolveEnded,
    letGo,
    /** Whether a silence covers a breach of the key now. */
    isSilenced: (key: Key): boolean => isSilenced(silences, key, time.wallMs()),
    applySilences,
    tellStorm,
    /** Whether a storm lasts anywhere. */
    isStorming: (): boolean => [...weather.values()].some(({ state }) => state === 'storming'),
    tellStorms(): void {
      for (const state of weather.values()) if (state.state === 'storming') tellStorm(state.stormId);
    },
    /** Keys with something new to tell since the last call. */
    takeWoken(): Set<string> {
      const keys = woken;
      woken = new Set();
      return keys;
    },
  };
}

type Placed = Pick<Occurrence, 'place' | 'heldBy' | 'incident'>;

const wanted: Placed = { place: 'wanted', heldBy: null, incident: null };

function pickPlace({ place, heldBy, incident }: Placed): Placed {
  return { place, heldBy, incident };
}

function byStart(one: Occurrence, other: Occurrence): number {
  return Date.parse(one.message.startedAt) - Date.parse(other.message.startedAt);
}

/** What is told of a key is told in order, so a time before the last one says that its clock was ahead and is set back. */
function hasPassed(lastMs: number, nowMs: number, intervalMs: number): boolean {
  return nowMs < lastMs || nowMs - lastMs >= intervalMs;
}

/** Whether the handler raises breaches of this rule itself. */
export function isOwnRule(rule: Rule): boolean {
  return handlerRules.some((own) => own === rule);
}

/** By creation time; two of the same time by id, so that every handler decides alike. */
function isNewer(a: { id: string; createdAt: string }, b: { id: string; createdAt: string }): boolean {
  const byTime = Date.parse(a.createdAt) - Date.parse(b.createdAt);
  return byTime > 0 || (byTime === 0 && a.id > b.id);
}
