import type { AnomalyMessage, Key, Rule } from '../anomaly/anomaly.ts';
import { correlationId, occurrenceId } from '../anomaly/identity.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { admit, calm, type SiteWeather, type StormPolicy } from '../incident/storm-guard.ts';
import { isoUtc, type Time } from '../platform/time.ts';
import type { HandlerStore } from './store.ts';

export interface IntakeOptions {
  quietMs: number;
  onRecovery: 'resolve' | 'note';
  noteIntervalMs: number;
  storm: StormPolicy;
  attachChart: boolean;
  keepEnded: number;
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

  /** The storms as the store has them: at a start, and after a transaction that was rolled back. */
  function reload(): void {
    weather.clear();
    for (const occurrence of store.allFiring()) {
      if (occurrence.message.rule !== 'storm') continue;
      weather.set(occurrence.message.site, { state: 'storming', stormId: occurrence.id });
    }
  }
  reload();

  function accept(message: AnomalyMessage): Verdict {
    const correlation = correlationId(message);
    const highWater = store.highWater(message.installationId, correlation);
    if (message.id !== occurrenceId(message.installationId, message, message.firingSequence)) {
      return {
        result: 'rejected',
        reason: 'the id does not follow from installation, key and firingSequence',
        highWater,
      };
    }
    if (message.firingSequence > message.sequence) {
      return { result: 'rejected', reason: 'firingSequence is above sequence', highWater };
    }
    if (!takesInstallation(message)) {
      return { result: 'rejected', reason: 'a newer installation speaks for this device', highWater };
    }
    if (message.sequence <= highWater) return { result: 'duplicate', highWater };
    store.setHighWater(message.installationId, correlation, message.sequence);
    take(message);
    return { result: 'accepted', highWater: message.sequence };
  }

  /** The newer installation wins; an older one is not heard any more. */
  function takesInstallation(message: {
    site: string;
    deviceId: string;
    installationId: string;
    installationCreatedAt: string;
  }): boolean {
    const known = store.installation(message.site, message.deviceId);
    if (known?.id === message.installationId) return true;
    const offered = { id: message.installationId, createdAt: message.installationCreatedAt };
    if (known !== undefined && !isNewer(offered, known)) return false;
    if (known !== undefined) store.forgetInstallation(known.id);
    store.setInstallation(message.site, message.deviceId, offered);
    return true;
  }

  function take(message: AnomalyMessage): void {
    const known = store.occurrence(message.id);
    if (message.phase === 'resolved') end(known ?? fire(message, 'ended'), message);
    else if (known === undefined || known.phase === 'ended') fire(message, 'firing');
    else update(known, message);
  }

  function fire(message: AnomalyMessage, phase: Occurrence['phase']): Occurrence {
    const correlation = correlationId(message);
    supersede(correlation, message.id);
    const startedAtMs = Date.parse(message.startedAt);
    // A breach inside the quiet period goes on in the same incident: its resolution is no longer wanted.
    store.dropQuietResolves(correlation, startedAtMs);
    const placed = placeOf(message, correlation);
    const occurrence: Occurrence = {
      id: message.id,
      correlationId: correlation,
      phase,
      ...placed,
      incident: null,
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

  function placeOf(message: AnomalyMessage, correlation: string): Pick<Occurrence, 'place' | 'heldBy'> {
    if (message.opener === 'cloud') return { place: 'recorded', heldBy: null };
    if (message.rule === 'storm' || message.rule === 'broker-silent') return { place: 'wanted', heldBy: null };
    const now = time.monotonicMs();
    const { weather: next, admission } = admit(weather.get(message.site) ?? calm, correlation, now, options.storm);
    weather.set(message.site, next);
    if (admission === 'own') return { place: 'wanted', heldBy: null };
    const stormId = next.state === 'storming' ? next.stormId : beginStorm(message.site);
    tellStorm(stormId);
    return { place: 'held', heldBy: stormId };
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
    const held = store.countHeld(stormId);
    if (storm === undefined || held.unlisted === 0 || storm.place === 'wanted') return;
    if (storm.phase === 'firing' && time.wallMs() - storm.notedAtMs < options.storm.windowMs) return;
    const phase = storm.phase === 'firing' ? 'updated' : 'resolved';
    store.putOccurrence({ ...storm, message: nextOwn(storm, { phase, value: held.all, peak: held.all }) });
    add(storm, 'update');
  }

  /** A breach that the same physical thing goes on with under another id: the monitor has a new installation. */
  function supersede(correlation: string, byId: string): void {
    for (const older of store.firingOf(correlation)) {
      if (older.id === byId) continue;
      for (const kind of ['open', 'chart', 'update'] as const) store.dropWaiting(older.id, kind);
      store.putOccurrence({ ...older, phase: 'ended' });
      store.retire(older.id, options.keepEnded);
    }
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
    if (store.countHeld(stormId).firing > 0) {
      tellStorm(stormId);
      return;
    }
    weather.set(storm.message.site, calm);
    settleOwn(storm.correlationId);
  }

  /** Raises a breach of the handler's own; one that fires already is left as it is. */
  function raise(breach: OwnBreach): Occurrence {
    const correlation = correlationId(breach.key);
    const [firing] = store.firingOf(correlation);
    if (firing !== undefined) return firing;
    const sequence = store.highWater(own.installationId, correlation) + 1;
    store.setHighWater(own.installationId, correlation, sequence);
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
      return;
    }
    if (ended.place === 'recorded') return;
    add(ended, 'recover');
    if (policy === 'resolve') add(ended, 'resolve');
  }

  /** The next message about something that the handler raised itself. */
  function nextOwn(occurrence: Occurrence, change: Partial<AnomalyMessage>): AnomalyMessage {
    const sequence =
      Math.max(occurrence.message.sequence, store.highWater(own.installationId, occurrence.correlationId)) + 1;
    store.setHighWater(own.installationId, occurrence.correlationId, sequence);
    return { ...occurrence.message, at: isoUtc(time.wallMs()), ...change, sequence };
  }

  function add(occurrence: Occurrence, kind: Parameters<HandlerStore['addEntry']>[1]): void {
    store.addEntry(occurrence, kind);
    woken.add(occurrence.correlationId);
  }

  return {
    reload,
    accept,
    takesInstallation,
    /** Adopts a breach that fires at its device and is unknown here. */
    adopt(message: AnomalyMessage): void {
      take(message);
    },
    raise,
    settleOwn,
    orphan,
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
    ownRule: (rule: Rule) => rule === 'device-silent' || rule === 'broker-silent' || rule === 'storm',
  };
}

/** By creation time; two of the same time by id, so that every handler decides alike. */
function isNewer(a: { id: string; createdAt: string }, b: { id: string; createdAt: string }): boolean {
  const byTime = Date.parse(a.createdAt) - Date.parse(b.createdAt);
  return byTime > 0 || (byTime === 0 && a.id > b.id);
}
