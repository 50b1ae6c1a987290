import {
  applyRules,
  correctStamps,
  detect,
  firing,
  initialDetection,
  isAtRest,
  noDataDueMs,
  parseDetection,
  type RuleSet,
  rebaseMonotonic,
  resumeListening,
} from '../anomaly/detect.ts';
import type { DetectionInput, Transition } from '../anomaly/detection.ts';
import { dueQueue } from '../platform/due-queue.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Reading } from '../reading/reading.ts';
import type { SensorFault } from '../sensor/source.ts';
import { createDeviceState, type DeviceState, keyName, watchMetrics } from './device-state.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Journal, SavedDevice } from './journal.ts';
import type { Recorder } from './recorder.ts';
import { bootBeganMs, type Correction, type StampClock } from './stamp-clock.ts';

export interface DevicesDeps {
  /** The monitor's own device, where it reads a sensor of its own; undefined for a gateway. */
  own: { site: string; deviceId: string } | undefined;
  mostDevices: number;
  rules: RuleSet;
  windowPoints: number;
  journal: Journal;
  guard: DiskGuard;
  recorder: Recorder;
  clock: StampClock;
  /** Event time. */
  time: Time;
  logger: Logger;
  runId: string;
}

export type Devices = ReturnType<typeof createDevices>;

/** States saved at a time: what a minute writes is bounded, however many devices a gateway hears. */
const mostSaved = 200;
/**
 * Of so many saves one is of devices at rest, too. They are most of what a quiet day writes, and all that an older state
 * of theirs costs is where their history began.
 */
const savesForOneAtRest = 5;
const wallJumpToldMs = 60_000;

/**
 * Watches devices: shows their readings, and time without any, to the rules.
 *
 * | a device | is                                     | left by                                              |
 * |----------|----------------------------------------|------------------------------------------------------|
 * | unknown  | never heard                            | a reading → present                                  |
 * | present  | in memory, its silence is watched       | idle, or one too many → away, its state in the journal |
 * | away     | in the journal; what fires goes on      | a reading → present                                  |
 *
 * The own device is present from the start. A gateway's device that is put away before its silence was long enough for
 * no-data is not watched until it is heard again. One timer watches the silence of all.
 */
export function createDevices(deps: DevicesDeps) {
  const { journal, guard, recorder, clock, time, logger, own } = deps;
  let { rules } = deps;
  const present = new Map<string, DeviceState>();
  /** Not saved since they changed, the longest first. */
  const dirty = new Set<string>();
  /** Saved since the clock or the rules changed, in a state that was at rest. */
  const savedAtRest = new Set<string>();
  let saves = 0;
  const silence = dueQueue();
  let timer: Timer | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let watching = true;
  let putAway = 0;
  let toldDamaged = false;

  // --- from the journal ------------------------------------------------------------------------------------------

  /** A device as it was left, brought up to this boot, this clock and these rules. */
  function restore(site: string, deviceId: string, gateway: boolean, saved: SavedDevice | undefined): Restored {
    const now = { atMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const parsed = parseDetection(saved?.state);
    if (saved !== undefined && parsed === undefined && !toldDamaged) {
      toldDamaged = true;
      logger.warn({ site, deviceId }, 'a saved state cannot be read, its device begins anew');
    }
    let detection = parsed ?? initialDetection();
    const transitions: Transition[] = [];
    const sameBoot = saved?.stamp.bootId === clock.stamp().bootId;
    const errorMs = saved === undefined ? 0 : clock.errorOf(saved.stamp);
    if (saved !== undefined && !sameBoot) detection = rebaseMonotonic(detection, bootShiftMs(saved, now));
    if (errorMs !== 0) {
      const corrected = correctStamps(detection, errorMs, bootBeganMs);
      detection = corrected.state;
      transitions.push(...corrected.transitions);
    }
    const applied = applyRules(rules, resumeListening(detection, now.monotonicMs), now);
    transitions.push(...applied.transitions);
    const keys = new Map(journal.keysOf(site, deviceId).map((key) => [keyName(key), key]));
    const fires = new Set(firing(detection).map(keyName));
    for (const [name, key] of keys) {
      // Told as firing, and not known any more: the roll call says so, and the handler ends it.
      if (key.firingSequence !== null && !fires.has(name)) keys.set(name, { ...key, firingSequence: null });
    }
    const state = createDeviceState(
      {
        ...{ site, deviceId, gateway, detection: applied.state, keys },
        otherBoot: sameBoot ? new Set() : fires,
        lastReadingMs: saved?.lastReadingMs == null ? null : saved.lastReadingMs + errorMs,
        seq: saved?.runId === deps.runId ? saved.seq : 0,
      },
      { metrics: ruledMetrics(rules), points: deps.windowPoints },
    );
    return { state, transitions };
  }

  function admit({ state, transitions }: Restored): DeviceState {
    present.set(state.deviceId, state);
    recorder.record(state, transitions);
    recorder.settle(state);
    watchSilence(state);
    return state;
  }

  function take(site: string, deviceId: string): DeviceState {
    const known = present.get(deviceId);
    if (known?.site === site) return known;
    if (known !== undefined) evict(deviceId);
    return admit(restore(site, deviceId, own === undefined, journal.device(site, deviceId)));
  }

  /** Ends what fires at sensors that this configuration does not read any more. */
  function endRemoved(saved: SavedDevice): void {
    const { state, transitions } = restore(saved.site, saved.deviceId, saved.gateway, saved);
    recorder.record(state, transitions);
    const atMs = clock.wallMs();
    const end = { phase: 'resolved', endedAtMs: atMs, endReason: 'sensor removed', atMs } as const;
    const ends = firing(state.detection).map((occurrence) => ({ ...occurrence, ...end }));
    state.detection = initialDetection();
    recorder.record(state, ends);
    guard.write('begun', 'unsynced', () => recorder.putDevice(state, true));
  }

  // --- detection ---------------------------------------------------------------------------------------------------

  function show(device: DeviceState, input: DetectionInput): void {
    const { state, transitions } = detect(rules, device.detection, input);
    if (state !== device.detection) dirty.add(device.deviceId);
    device.detection = state;
    if (transitions.length > 0) recorder.record(device, transitions);
    watchSilence(device);
  }

  function watchSilence(device: DeviceState): void {
    const dueMs = noDataDueMs(rules, device.detection);
    if (dueMs === undefined) silence.delete(device.deviceId);
    else silence.set(device.deviceId, dueMs);
    arm();
  }

  /** The timer is only ever moved forward: one that comes too early finds nothing due. */
  function arm(): void {
    const nextMs = silence.nextAtMs();
    if (!watching || nextMs === undefined || nextMs >= timerAtMs) return;
    timer?.cancel();
    timerAtMs = nextMs;
    timer = time.after(Math.max(0, nextMs - time.monotonicMs()), () => {
      timerAtMs = Number.POSITIVE_INFINITY;
      tick();
    });
  }

  function tick(): void {
    observe();
    const now = { atMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    for (const deviceId of silence.takeDue(now.monotonicMs, Number.POSITIVE_INFINITY)) {
      const device = present.get(deviceId);
      if (device !== undefined) show(device, { kind: 'tick', ...now });
    }
    arm();
  }

  /** What fires under a rule that is no more ends now; other changes count from the next reading on. */
  function follow(changed: RuleSet): void {
    observe();
    rules = changed;
    savedAtRest.clear();
    const now = { atMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    for (const device of present.values()) {
      const { state, transitions } = applyRules(rules, device.detection, now);
      device.detection = state;
      dirty.add(device.deviceId);
      watchMetrics(device, { metrics: ruledMetrics(rules), points: deps.windowPoints });
      recorder.record(device, transitions);
      watchSilence(device);
    }
  }

  // --- clock, disk, memory -----------------------------------------------------------------------------------------

  function observe(): void {
    const correction = clock.observe();
    if (correction !== undefined) correct(correction);
  }

  function correct({ byMs, sinceMonotonicMs }: Correction): void {
    const { clockSynchronised } = clock.fields();
    // What is corrected below is not to be undone by an earlier write that the disk refuses.
    journal.endTurn();
    if (Math.abs(byMs) >= wallJumpToldMs) logger.warn({ byMs }, 'the clock was set, stamps made before are corrected');
    savedAtRest.clear();
    if (byMs !== 0) recorder.correct();
    for (const device of present.values()) {
      for (const [name, key] of device.keys) {
        if (!device.otherBoot.has(name)) device.keys.set(name, { ...key, clockKnown: clockSynchronised });
      }
      if (byMs === 0) continue;
      for (const window of device.windows.values()) window.shift(byMs);
      if (device.lastReadingMs !== null) device.lastReadingMs += byMs;
      const { state, transitions } = correctStamps(device.detection, byMs, sinceMonotonicMs);
      device.detection = state;
      dirty.add(device.deviceId);
      recorder.record(device, transitions);
    }
  }

  function evict(deviceId: string): void {
    const device = present.get(deviceId);
    if (device === undefined || own?.deviceId === deviceId) return;
    observe();
    const saved = guard.write('begun', 'unsynced', () => recorder.putDevice(device, true));
    // On a full disk it stays in memory for a while: what it has to tell is there alone.
    if (!saved.ok && present.size < 2 * deps.mostDevices) return;
    present.delete(deviceId);
    dirty.delete(deviceId);
    savedAtRest.delete(deviceId);
    silence.delete(deviceId);
    putAway += 1;
  }

  /** What a power loss now would change nothing about but the moment of the last reading. */
  function canWait(deviceId: string): boolean {
    const device = present.get(deviceId);
    return device !== undefined && savedAtRest.has(deviceId) && isAtRest(device.detection);
  }

  function save(of: 'all' | 'some'): void {
    // What is saved says that it was made by the clock as it is now.
    observe();
    saves += 1;
    const due = of === 'all' || saves % savesForOneAtRest === 0 ? [...dirty] : [...dirty].filter((id) => !canWait(id));
    const batch = of === 'all' ? due : due.slice(0, mostSaved);
    if (batch.length === 0 && putAway === 0) return;
    const saved = guard.write('begun', 'unsynced', () => {
      for (const deviceId of batch) {
        const device = present.get(deviceId);
        if (device !== undefined) recorder.putDevice(device, false);
      }
      if (putAway > 0) journal.forgetIdle(deps.mostDevices);
    });
    if (!saved.ok) return;
    putAway = 0;
    for (const deviceId of batch) {
      dirty.delete(deviceId);
      const device = present.get(deviceId);
      if (device !== undefined && isAtRest(device.detection)) savedAtRest.add(deviceId);
      else savedAtRest.delete(deviceId);
    }
  }

  function retryDisk(): void {
    const committed: (() => void)[] = [];
    const result = guard.retry(() => {
      for (const device of present.values()) committed.push(recorder.settleWithin(device));
    });
    if (result !== 'recovered') return;
    for (const done of committed) done();
    logger.warn({ unreported: recorder.unreported() }, 'there is room on the disk again, all that lasts was reported');
  }

  return {
    start(): void {
      // The clock may have been set right while nothing ran.
      recorder.correct();
      for (const saved of journal.removed(own)) endRemoved(saved);
      if (own !== undefined) take(own.site, own.deviceId);
      else {
        for (const saved of journal.present(deps.mostDevices)) {
          if (saved.gateway) admit(restore(saved.site, saved.deviceId, true, saved));
        }
      }
    },

    /** Shows a reading to the rules of its device, whose `seq` and window it moves on. */
    reading(reading: Omit<Reading, 'seq'>): Reading {
      observe();
      const device = take(reading.site, reading.deviceId);
      const { atMs, monotonicMs, metrics } = reading;
      const numbered = { ...reading, seq: device.seq };
      device.seq += 1;
      device.lastReadingMs = atMs;
      device.metrics = metrics;
      device.fault = undefined;
      device.heard = { sinceHeartbeat: true, sinceRollCall: true };
      for (const [metric, window] of device.windows) {
        const value = metrics[metric];
        if (value !== undefined) window.push(atMs, value, device.breached.has(metric));
      }
      show(device, { kind: 'reading', atMs, monotonicMs, metrics });
      retryDisk();
      return numbered;
    },

    fault(fault: SensorFault, deviceId: string): void {
      const device = present.get(deviceId);
      if (device !== undefined) device.fault = fault;
    },

    follow,
    evict,
    observe,
    retryDisk,
    save: () => save('some'),

    /** The journal has forgotten what was told: another installation tells it again. */
    retell(): void {
      for (const device of present.values()) {
        device.keys = new Map(journal.keysOf(device.site, device.deviceId).map((key) => [keyName(key), key]));
        recorder.settle(device);
      }
      for (const { site, deviceId } of journal.awayNames()) {
        const saved = journal.device(site, deviceId);
        if (saved?.firing !== true) continue;
        const { state } = restore(site, deviceId, saved.gateway, saved);
        recorder.settle(state);
        guard.write('begun', 'unsynced', () => recorder.putDevice(state, true));
      }
    },

    /** A replay has handed over its last row: silence from here on says nothing. */
    stopWatching(): void {
      watching = false;
      timer?.cancel();
    },

    stop(): void {
      watching = false;
      timer?.cancel();
      save('all');
    },

    size: () => present.size,
    all: (): Iterable<DeviceState> => present.values(),
    get: (deviceId: string): DeviceState | undefined => present.get(deviceId),
    /** Devices in the journal alone. */
    awayNames: () => journal.awayNames(),
    /** A look at a device, present or not, that does not bring it into memory. */
    peek(site: string, deviceId: string): DeviceState {
      const known = present.get(deviceId);
      if (known?.site === site) return known;
      return restore(site, deviceId, own === undefined, journal.device(site, deviceId)).state;
    },
  };
}

function ruledMetrics(rules: RuleSet): string[] {
  return [...new Set(rules.metrics.map(({ metric }) => metric))];
}

interface Restored {
  state: DeviceState;
  /** What its restoration is to tell. */
  transitions: readonly Transition[];
}

/**
 * From monotonic instants of the boot in which a state was saved to those of this one. Wall time spans the gap, which is
 * at least as long as this boot has lasted: a clock without a battery may believe that no time has passed.
 */
function bootShiftMs(saved: SavedDevice, now: { atMs: number; monotonicMs: number }): number {
  const elapsedMs = Math.max(now.monotonicMs, now.atMs - saved.wallMs);
  const savedMonotonicMs = saved.wallMs - saved.stamp.offsetMs;
  return now.monotonicMs - elapsedMs - savedMonotonicMs;
}
