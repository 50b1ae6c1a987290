import { type Finding, type Participant, partsOf } from './chronicle.ts';
import type { DeviceCode } from './device-code.ts';
import { type Focus, scheduleOf } from './schedule.ts';
import { play } from './world.ts';

export interface RunOptions {
  device: DeviceCode;
  /** Of the first schedule; each next one has the next number. */
  seed: number;
  schedules: number;
  focus?: readonly Focus[];
  /** Asked before each schedule. */
  isOver?: () => boolean;
  onProgress?: (totals: Totals) => void;
}

export interface Totals {
  rounds: number;
  kills: number;
  faults: number;
  breaches: number;
  incidents: number;
  /** Schedules in which each took part. */
  parts: Record<Participant, number>;
  violations: { seed: number; findings: readonly Finding[] }[];
}

/** Plays one schedule after the other. */
export async function runSchedules(options: RunOptions): Promise<Totals> {
  const totals: Totals = {
    ...{ rounds: 0, kills: 0, faults: 0, breaches: 0, incidents: 0, violations: [] },
    parts: {
      ...{ 'storm guard': 0, silences: 0, 'dead letters': 0, attachments: 0, 'wrong clocks': 0, 'full disks': 0 },
      ...{ 'changes of instance': 0, people: 0, 'lost stores': 0, 'late commits': 0 },
    },
  };
  for (let seed = options.seed; seed < options.seed + options.schedules; seed += 1) {
    if (options.isOver?.() === true) break;
    const { findings, crashes, faults, breaches, incidents, chronicle } = await play(
      scheduleOf(seed, options.focus),
      options.device,
    );
    totals.rounds += 1;
    totals.kills += crashes;
    totals.faults += faults;
    totals.breaches += breaches;
    totals.incidents += incidents;
    for (const part of partsOf(chronicle)) totals.parts[part] += 1;
    if (findings.length > 0) totals.violations.push({ seed, findings });
    options.onProgress?.(totals);
  }
  return totals;
}
