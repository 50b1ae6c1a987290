import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { anomalyMessage } from '../anomaly/anomaly.ts';
import { firing } from '../anomaly/detect.ts';
import type { Transition } from '../anomaly/detection.ts';
import { keyText } from '../anomaly/identity.ts';
import type { Logger } from '../platform/logger.ts';
import { isoUtc } from '../platform/time.ts';
import type { CloudDelivery } from './cloud-delivery.ts';
import type { Delivery } from './delivery.ts';
import { breachedMetrics, type DeviceState, keyName, savedDeviceOf } from './device-state.ts';
import type { DiskGuard, WriteKind } from './disk-guard.ts';
import type { Installation, Journal, SavedKey, SavedMessage } from './journal.ts';
import { anomalyMessageOf, correctMessage, encodeAnomaly, reissueMessage } from './message.ts';
import type { Stamp, StampClock } from './stamp-clock.ts';

export interface RecorderDeps {
  journal: Journal;
  guard: DiskGuard;
  delivery: Delivery;
  /** AWS IoT Core, where it is a destination of its own. */
  cloud: CloudDelivery | undefined;
  clock: StampClock;
  logger: Logger;
  newId: () => string;
  runId: string;
  opener: AnomalyMessage['opener'];
  /** Of the limits in force. */
  configVersion: () => string;
  onAnomaly: ((message: AnomalyMessage) => void) | undefined;
}

export type Recorder = ReturnType<typeof createRecorder>;

/**
 * Writes transitions before anyone hears of them: state, sequence and message in one transaction, which deliveries let be
 * synced before they publish. What the disk
 * refuses is not queued: what fires without a sequence in the journal is told, with its true start, as soon as there is
 * room (`settle`), and an end is kept in the device until then.
 */
export function createRecorder(deps: RecorderDeps) {
  const { journal, guard, delivery, cloud, clock, logger } = deps;
  let installation = journal.installation() ?? firstInstallation();
  /** Breaches that began and ended while the disk was full. */
  let unreported = 0;

  function firstInstallation(): Installation {
    const first = { id: deps.newId(), createdAtMs: clock.wallMs(), stamp: clock.stamp() };
    journal.write('synced', () => journal.putInstallation(first));
    return first;
  }

  /** What is to be told of these transitions, given what the journal knows. */
  function sortOut(
    device: DeviceState,
    transitions: readonly Transition[],
  ): { begun: Transition[]; fresh: Transition[] } {
    const begun: Transition[] = [];
    const fresh: Transition[] = [];
    for (const transition of transitions) {
      const name = keyName(transition);
      const recorded = device.keys.get(name)?.firingSequence != null && !device.unsaid.has(name);
      if (transition.phase === 'firing') fresh.push(transition);
      else if (recorded || fresh.some((other) => keyName(other) === name)) begun.push(transition);
      else if (transition.phase === 'resolved') countUnreported(device, transition);
    }
    return { begun, fresh };
  }

  function countUnreported(device: DeviceState, { metric, rule, startedAtMs, endedAtMs }: Transition): void {
    unreported += 1;
    const { site, deviceId } = device;
    logger.error(
      { site, deviceId, metric, rule, startedAtMs, endedAtMs, unreported },
      'a breach began and ended while the disk was full, it is not reported',
    );
  }

  /** Tells transitions of a device whose state has moved on to where they lead. */
  function record(device: DeviceState, transitions: readonly Transition[]): void {
    device.breached = breachedMetrics(device.detection);
    const { begun, fresh } = sortOut(device, transitions);
    const all = transitions.filter((transition) => begun.includes(transition) || fresh.includes(transition));
    if (all.length === 0) return;
    const again = () => record(device, all);
    if (fresh.length > 0 && write('new', device, all, again)) return;
    const told = begun.filter((transition) => !follows(transition, fresh));
    for (const transition of begun) {
      if (transition.phase === 'resolved' && !told.includes(transition)) countUnreported(device, transition);
    }
    if (told.length === 0 || write('begun', device, told, again)) return;
    for (const transition of told) {
      if (transition.phase !== 'resolved') continue;
      device.unsaid = new Map(device.unsaid).set(keyName(transition), transition);
    }
  }

  /** False where the disk refuses at once; where it does at the end of the turn it is as if nothing had been told, and `redo` is called. */
  function write(kind: WriteKind, device: DeviceState, transitions: readonly Transition[], redo: () => void): boolean {
    const { keys, unsaid } = device;
    // A refused attempt is made again, so each begins from what the journal has.
    const done = guard.writeInTurn(kind, () => putAll(device, transitions), {
      undo() {
        device.keys = keys;
        device.unsaid = unsaid;
      },
      redo,
    });
    if (done.ok) written(device, done.value);
    return done.ok;
  }

  /** Inside a transaction. */
  function putAll(device: DeviceState, transitions: readonly Transition[]): Put {
    const keys = new Map(device.keys);
    const messages = transitions.map((transition) => put(device, keys, transition));
    putDevice(device, false);
    return { keys, messages };
  }

  function written(device: DeviceState, { keys, messages }: Put): void {
    device.keys = keys;
    for (const message of messages) {
      delivery.wake(keyText(message));
      deps.onAnomaly?.(message);
    }
    cloud?.wake();
  }

  /** Inside a transaction: one message, and where it leaves its key. */
  function put(device: DeviceState, keys: Map<string, SavedKey>, transition: Transition): AnomalyMessage {
    const { site, deviceId } = device;
    const { metric, rule } = transition;
    const name = keyName(transition);
    const key = keyText({ site, deviceId, metric, rule });
    const known = keys.get(name);
    const sequence = (known?.lastSequence ?? 0) + 1;
    const firingSequence = (transition.phase === 'firing' ? null : known?.firingSequence) ?? sequence;
    const fields = clock.fields();
    const clockKnown = fields.clockSynchronised && (transition.phase === 'firing' || known?.clockKnown !== false);
    const message = anomalyMessageOf({
      installation,
      key: { site, deviceId, metric, rule },
      transition,
      ...{ sequence, firingSequence, opener: deps.opener, configVersion: deps.configVersion() },
      window: device.windows.get(metric)?.points() ?? [],
      clock: { ...fields, clockSynchronised: clockKnown },
    });
    const saved: SavedKey = {
      ...{ key, site, deviceId, metric, rule, lastSequence: sequence, clockKnown },
      firingSequence: transition.phase === 'resolved' ? null : firingSequence,
    };
    keys.set(name, saved);
    journal.putKey(saved);
    return putMessage(key, message);
  }

  function putMessage(key: string, message: AnomalyMessage): AnomalyMessage {
    const tail = journal.tail(key);
    const isUnseen = tail?.sequence !== delivery.unanswered(key);
    const told = inPlaceOf(isUnseen ? tail : undefined, message, journal.deleteMessage);
    journal.putMessage(savedMessage(key, told));
    if (cloud !== undefined) putForCloud(cloud, key, message);
    return told;
  }

  /** Of its own: what one destination has seen the other may have still to see. */
  function putForCloud(to: CloudDelivery, key: string, message: AnomalyMessage): void {
    const tail = journal.cloudTail(key);
    const isUnseen = tail?.id !== to.underWay();
    journal.putCloudMessage(
      savedMessage(key, inPlaceOf(isUnseen ? tail : undefined, message, journal.deleteCloudMessage)),
    );
  }

  /** A later message of an occurrence takes the place of one that nobody has seen. */
  function inPlaceOf(
    unseen: SavedMessage | undefined,
    message: AnomalyMessage,
    remove: (id: number) => void,
  ): AnomalyMessage {
    if (unseen?.occurrenceId !== message.id) return message;
    remove(unseen.id);
    return unseen.phase === 'firing' && message.phase === 'updated' ? { ...message, phase: 'firing' } : message;
  }

  function savedMessage(key: string, message: AnomalyMessage): Omit<SavedMessage, 'id'> {
    const { deviceId, sequence, phase } = message;
    const stamp = { ...clock.stamp(), synchronised: message.clockSynchronised };
    return { key, deviceId, sequence, occurrenceId: message.id, phase, body: encodeAnomaly(message), stamp };
  }

  /** Inside a transaction. */
  function putDevice(device: DeviceState, away: boolean): void {
    journal.putDevice(savedDeviceOf(device, { away, runId: deps.runId, wallMs: clock.wallMs(), stamp: clock.stamp() }));
  }

  /** What the journal does not know of a device yet: ends that it could not take, and what fires without a sequence. */
  function owed(device: DeviceState): Transition[] {
    const ends = [...device.unsaid.values()];
    const begun = firing(device.detection).filter((occurrence) => {
      const name = keyName(occurrence);
      return device.unsaid.has(name) || device.keys.get(name)?.firingSequence == null;
    });
    const rest = { phase: 'firing', endedAtMs: null, endReason: null, atMs: clock.wallMs() } as const;
    return [...ends, ...begun.map((occurrence) => ({ ...occurrence, ...rest }))];
  }

  function settle(device: DeviceState): void {
    const transitions = owed(device);
    if (transitions.length > 0 && write('new', device, transitions, () => settle(device))) device.unsaid = new Map();
  }

  return {
    record,
    putDevice,
    installation: () => installation,
    unreported: () => unreported,

    /** Tells what is owed of a device: at its load, and once there is room or another installation. */
    settle,

    /** The same inside a transaction of the caller; answers what is to be done once it is committed. */
    settleWithin(device: DeviceState): () => void {
      const done = putAll(device, owed(device));
      return () => {
        written(device, done);
        device.unsaid = new Map();
      };
    },

    /** Moves the stamps of what waits, and of the installation itself, that a wrong clock made in this boot. */
    correct(): void {
      const { clockSynchronised } = clock.fields();
      const byMs = clock.errorOf(installation.stamp);
      const corrected = { ...installation, createdAtMs: installation.createdAtMs + byMs, stamp: clock.stamp() };
      const isWrong = ({ stamp }: { stamp: Stamp }) => clock.errorOf(stamp) !== 0;
      if (byMs === 0 && !journal.waiting().some(isWrong) && !journal.waitingForCloud().some(isWrong)) return;
      const done = guard.write('begun', 'synced', () => {
        if (byMs !== 0) {
          journal.putInstallation(corrected);
          // They were refused for the age of their installation.
          journal.takeBack(installation.id);
        }
        const installationCreatedAt = isoUtc(corrected.createdAtMs);
        for (const [waiting, rewrite] of [
          [journal.waiting(), journal.rewriteMessage],
          [journal.waitingForCloud(), journal.rewriteCloudMessage],
        ] as const) {
          for (const { id, body, stamp } of waiting) {
            const errorMs = clock.errorOf(stamp);
            if (errorMs === 0 && byMs === 0) continue;
            const message = anomalyMessage.parse(JSON.parse(body));
            const moved = errorMs === 0 ? message : correctMessage(message, errorMs, clockSynchronised);
            rewrite(
              id,
              encodeAnomaly({ ...moved, installationCreatedAt }),
              errorMs === 0 ? stamp : { ...clock.stamp(), synchronised: clockSynchronised },
            );
          }
        }
      });
      if (done.ok && byMs !== 0) installation = corrected;
      delivery.reload();
    },

    /**
     * Takes a new installation id: this data directory was restored or cloned. Breaches that have ended and wait are
     * told by the new one; what fires is told by `settle`.
     */
    renew(): boolean {
      const createdAtMs = Math.max(clock.wallMs(), installation.createdAtMs + 1);
      const next = { id: deps.newId(), createdAtMs, stamp: clock.stamp() };
      const done = guard.write('begun', 'synced', () => {
        const ended = journal.waiting().filter(({ phase }) => phase === 'resolved');
        for (const { id } of journal.waiting()) journal.deleteMessage(id);
        journal.forgetKeys();
        journal.putInstallation(next);
        for (const { key, body, stamp } of ended) reissue(next, key, body, stamp);
      });
      if (!done.ok) return false;
      logger.warn(
        { was: installation.id, now: next.id },
        'the handler knows more of this installation than its data directory: a restored or cloned one, taking a new id',
      );
      installation = next;
      delivery.reload();
      return true;
    },
  };

  function reissue(next: Installation, key: string, body: string, stamp: Installation['stamp']): void {
    const known = journal.key(key);
    if (known === undefined) return;
    const sequence = known.lastSequence + 1;
    const message = reissueMessage(anomalyMessage.parse(JSON.parse(body)), next, sequence);
    journal.putKey({ ...known, lastSequence: sequence });
    const { deviceId, id: occurrenceId, phase } = message;
    journal.putMessage({ key, deviceId, sequence, occurrenceId, phase, body: encodeAnomaly(message), stamp });
  }
}

interface Put {
  /** The device's keys as they then stand in the journal. */
  keys: Map<string, SavedKey>;
  messages: readonly AnomalyMessage[];
}

/** Whether an `updated` or `resolved` belongs to a firing among these. */
function follows(transition: Transition, fresh: readonly Transition[]): boolean {
  return fresh.some((firing) => keyName(firing) === keyName(transition));
}
