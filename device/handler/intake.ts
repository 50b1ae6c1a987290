import { type AnomalyMessage, handlerRules, type Key, type Rule } from '../anomaly/anomaly.ts';
import { correlationId, occurrenceId } from '../anomaly/identity.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { admit, calm, type SiteWeather, type StormPolicy } from '../incident/storm-guard.ts';
import { isoUtc, type Time } from '../platform/time.ts';
import { handlerDevice } from '../transport/topics.ts';
import type { HandlerStore } from './store.ts';

export interface IntakeOptions {
  quietMs: number;
  onRecovery: 'resolve' | 'note';
  noteIntervalMs: number;
  storm: StormPolicy;
  attachChart: boolean;
  keepEnded: number;
  maxDevices: number;
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
  let woken = new Set<string>();
  let deviceCount = store.countDevices();

  /** The storms as the store has them: at a start, and after a transaction that was rolled back. */
  function reload(): void {
    deviceCount = store.countDevices();
    weather.clear();
    for (const occurrence of store.allFiring()) {
      if (occurrence.message.rule !== 'storm') continue;
      weather.set(occurrence.message.site, { state: 'storming', stormId: occurrence.id });
    }
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
      return reject(`more devices than handler.maxDevices (${options.maxDevices}); raise it to serve this one`);
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
    if (known?.id === message.installationId) return 'taken';
    const offered = { id: message.installationId, createdAt: message.installationCreatedAt };
    if (known !== undefined) {
      if (!isNewer(offered, known)) return 'older';
      store.forgetHighWater({ site, deviceId, installationId: known.id });
    } else {
      if (deviceCount >= options.maxDevices) return 'too many devices';
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
    const older = supersede(correlation, message.id);
    const placed = older === undefined ? placeOf(message, correlation) : placeAfter(older, message, correlation);
    if (placed.place === 'wanted') {
      // A breach inside the quiet period goes on in the same incident: its resolution is no longer wanted.
      const ended = store.dropQuietResolves(correlation, Date.parse(message.startedAt));
      for (const id of ended) store.retire(id, options.keepEnded);
    }
    const occurrence: Occurrence = {
      id: message.id,
      correlationId: correlation,
      phase,
      ...placed,
      message,
      toldSeverity: null,
      notedAtMs: Date.parse(message.at),
      updatesSinceNote: 0,
    };
    store.putOccurrence(occurrence);
    if (placed.place === 'wanted') {
      add(occurrence, 'open');
      if (options.attachChart && message.window.length > 1) add(occurrence, 'chart');
    }
    return occurrence;
  }

  function placeOf(message: AnomalyMessage, correlation: string): Placed {
    if (message.opener === 'cloud') return { place: 'recorded', heldBy: null, incident: null };
    if (message.rule === 'storm' || message.rule === 'broker-silent') return wanted;
    const now = time.monotonicMs();
    const { weather: next, admission } = admit(weather.get(message.site) ?? calm, correlation, now, options.storm);
    weather.set(message.site, next);
    if (admission === 'own') return wanted;
    const stormId = next.state === 'storming' ? next.stormId : beginStorm(message.site);
    tellStorm(stormId);
    return { place: 'held', heldBy: stormId, incident: null };
  }

  /** The same physical breach goes on under another id, so it stays where it was: in its incident, or with people. */
  function placeAfter(older: Occurrence, message: AnomalyMessage, correlation: string): Placed {
    if (message.opener === 'cloud') return { place: 'recorded', heldBy: null, incident: null };
    if (older.place === 'released') return { place: 'released', heldBy: null, incident: older.incident };
    return older.place === 'held' || older.place === 'recorded' ? placeOf(message, correlation) : wanted;
  }

  function beginStorm(site: string): string {
    const { keys, windowMs } = options.storm;
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
    if (storm === undefined || storm.place === 'wanted' || !store.isAnyUnlisted(stormId)) return;
    if (storm.phase === 'firing' && time.wallMs() - storm.notedAtMs < options.storm.windowMs) return;
    const phase = storm.phase === 'firing' ? 'updated' : 'resolved';
    const count = store.countHeld(stormId);
    store.putOccurrence({ ...storm, message: nextOwn(storm, { phase, value: count, peak: count }) });
    add(storm, 'update');
  }

  /**
   * Ends what fires for this key under another id: its monitor has a new installation. Answers it; no recovery is told,
   * for the new one goes on.
   */
  function supersede(correlation: string, byId: string): Occurrence | undefined {
    const older = store.firingOf(correlation).filter((one) => one.id !== byId);
    for (const one of older) {
      for (const kind of ['open', 'chart', 'update'] as const) store.dropWaiting(one.id, kind);
      store.putOccurrence({ ...one, phase: 'ended' });
      store.retire(one.id, options.keepEnded);
    }
    return older.at(-1);
  }

  function update(known: Occurrence, message: AnomalyMessage): void {
    const occurrence = { ...known, message, updatesSinceNote: known.updatesSinceNote + 1 };
    store.putOccurrence(occurrence);
    if (known.place !== 'attached') return;
    const changed = known.toldSeverity !== null && known.toldSeverity !== message.severity;
    if (changed || Date.parse(message.at) - known.notedAtMs >= options.noteIntervalMs) add(occurrence, 'update');
  }

  function end(known: Occurrence, message: AnomalyMessage): void {
    const occurrence: Occurrence = { ...known, phase: 'ended', message };
    store.putOccurrence(occurrence);
    store.dropWaiting(occurrence.id, 'update');
    if (occurrence.place === 'held' && occurrence.heldBy !== null) {
      endOfHeld(occurrence.heldBy);
    } else if (occurrence.place !== 'recorded') {
      add(occurrence, 'recover');
      if (options.attachChart && message.window.length > 1) add(occurrence, 'end-chart');
      if (options.onRecovery === 'resolve') {
        store.addEntry(occurrence, 'resolve', Date.parse(message.at) + options.quietMs);
      }
    }
    store.retire(occurrence.id, options.keepEnded);
  }

  function endOfHeld(stormId: string): void {
    const storm = store.occurrence(stormId);
    if (storm === undefined) return;
    if (store.isAnyHeldFiring(stormId)) {
      tellStorm(stormId);
      return;
    }
    weather.set(storm.message.site, calm);
    settleOwn(storm.correlationId);
  }

  /** A breach that a storm holds turns out to be in an incident already: it goes on there. */
  function letGo(occurrence: Occurrence): void {
    store.putOccurrence({ ...occurrence, place: 'wanted', heldBy: null });
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
    for (const firing of store.firingOf(correlation)) {
      const at = isoUtc(time.wallMs());
      end(firing, nextOwn(firing, { phase: 'resolved', endedAt: at, endReason: 'cleared', at }));
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
    const ended: Occurrence = { ...occurrence, phase: 'ended', message };
    store.putOccurrence(ended);
    store.dropWaiting(ended.id, 'update');
    if (ended.place === 'held' && ended.heldBy !== null) {
      endOfHeld(ended.heldBy);
    } else if (ended.place !== 'recorded') {
      add(ended, 'recover');
      if (policy === 'resolve') add(ended, 'resolve');
    }
    store.retire(ended.id, options.keepEnded);
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
    orphan,
    resolveEnded,
    letGo,
    tellStorm,
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

/** Whether the handler raises breaches of this rule itself. */
export function isOwnRule(rule: Rule): boolean {
  return handlerRules.some((own) => own === rule);
}

/** By creation time; two of the same time by id, so that every handler decides alike. */
function isNewer(a: { id: string; createdAt: string }, b: { id: string; createdAt: string }): boolean {
  const byTime = Date.parse(a.createdAt) - Date.parse(b.createdAt);
  return byTime > 0 || (byTime === 0 && a.id > b.id);
}
