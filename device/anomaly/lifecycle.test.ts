import { describe, expect, test } from 'vitest';
import type { Verdict } from '../detector/verdict.ts';
import { type Lifecycle, type LifecycleSettings, ok, step } from './lifecycle.ts';

const settings: LifecycleSettings = {
  detector: { rule: 'upper', limit: 30, deadband: 1 },
  onDelayMs: 100,
  offDelayMs: 50,
  updateIntervalMs: 1_000,
  severity: 'medium',
  tiers: [
    { from: 35, severity: 'high' },
    { from: 40, severity: 'critical' },
  ],
};

const wallMs = 1_000_000;
const instant = (ms: number) => ({ atMs: wallMs + ms, monotonicMs: ms });

function verdictOf(value: number | null, ms: number): Verdict {
  if (value === null) return { kind: 'unknown' };
  if (value > 30) return { kind: 'breaching', value, limit: 30, reach: value, since: instant(ms) };
  return { kind: value > 29 ? 'holding' : 'clear', value };
}

type Reading = readonly [ms: number, value: number | null];

/** `0:31 50:?`: instants and values; `?` where nothing is known. */
const trace = (text: string): Reading[] =>
  text.split(' ').map((point) => {
    const [ms, value] = point.split(':');
    return [Number(ms), value === '?' ? null : Number(value)];
  });

/** What is told, as `ms phase`, and the state at the end. */
function run(readings: readonly Reading[], changed: Partial<LifecycleSettings> = {}, from: Lifecycle = ok) {
  let lifecycle = from;
  const occurrences: {
    severity: string;
    peak: number | null;
    value: number | null;
    startedMs: number;
    endedMs?: number;
  }[] = [];
  const told = readings.flatMap(([ms, value]) => {
    const next = step({ ...settings, ...changed }, lifecycle, verdictOf(value, ms), instant(ms));
    lifecycle = next.lifecycle;
    if (next.told === undefined) return [];
    const { severity, peak, value: latest, started } = next.told.occurrence;
    const ended = next.told.phase === 'resolved' ? { endedMs: next.told.occurrence.ended.monotonicMs } : {};
    occurrences.push({ severity, peak, value: latest, startedMs: started.monotonicMs, ...ended });
    return [`${ms} ${next.told.phase}`];
  });
  return { told, phase: lifecycle.phase, lifecycle, occurrences };
}

describe('lifecycle', () => {
  test.each<[string, string, string[], Lifecycle['phase']]>([
    ['a value inside the limit is nothing', '0:20 10:29.5 20:?', [], 'ok'],
    ['a breach is pending at first', '0:31', [], 'pending'],
    ['a breach that lasts just short of the on-delay does not fire', '0:31 99:31', [], 'pending'],
    ['a breach that lasts the on-delay fires', '0:31 50:31 100:31', ['100 firing'], 'firing'],
    ['a dip inside the deadband does not give up pending', '0:31 40:29.5 100:31', ['100 firing'], 'firing'],
    ['a breach has lasted inside the deadband too', '0:31 100:29.5', ['100 firing'], 'firing'],
    ['a clear gives up pending, and the delay begins anew', '0:31 90:29 95:31 190:31', [], 'pending'],
    ['a clear gives up pending even when the delay is over', '0:31 200:29', [], 'ok'],
    ['unknown neither fires', '0:31 200:?', [], 'pending'],
    ['… nor interrupts', '0:31 50:? 100:31', ['100 firing'], 'firing'],
    ['a clear is recovering at first', '0:31 100:31 110:29', ['100 firing'], 'recovering'],
    ['a dip inside the deadband is no clear', '0:31 100:31 110:29.5 900:29.5', ['100 firing'], 'firing'],
    ['a clear that lasts the off-delay resolves', '0:31 100:31 110:29 160:28', ['100 firing', '160 resolved'], 'ok'],
    ['… inside the deadband too', '0:31 100:31 110:29 160:29.5', ['100 firing', '160 resolved'], 'ok'],
    ['… and not just short of it', '0:31 100:31 110:29 159:28', ['100 firing'], 'recovering'],
    ['unknown does not resolve', '0:31 100:31 110:29 900:?', ['100 firing'], 'recovering'],
    [
      'a new breach in the off-delay cancels the recovery, and the off-delay begins anew',
      '0:31 100:31 110:29 150:31 160:29 209:29 210:29',
      ['100 firing', '210 resolved'],
      'ok',
    ],
  ])('%s', (_, readings, told, phase) => {
    expect(run(trace(readings))).toMatchObject({ told, phase });
  });

  test('without delays a single reading fires and a single one resolves', () => {
    const { told, phase } = run(trace('0:31 10:29 20:31'), { onDelayMs: 0, offDelayMs: 0 });
    expect(told).toEqual(['0 firing', '10 resolved', '20 firing']);
    expect(phase).toBe('firing');
  });

  test('it began with the first breaching reading and ended with the first clearing one', () => {
    const { occurrences } = run(trace('7:31 107:32 200:29 220:28 250:27'));
    expect(occurrences).toEqual([
      { severity: 'medium', peak: 32, value: 32, startedMs: 7 },
      { severity: 'medium', peak: 32, value: 27, startedMs: 7, endedMs: 200 },
    ]);
  });

  test('the end after a cancelled recovery is the last clear', () => {
    const { occurrences } = run(trace('0:31 100:31 110:29 150:31 160:29 210:29'));
    expect(occurrences.at(-1)).toMatchObject({ startedMs: 0, endedMs: 160 });
  });

  test('the peak is the furthest value since the start, one of the on-delay too', () => {
    expect(run(trace('0:33 50:34 100:31')).occurrences).toMatchObject([{ peak: 34, value: 31 }]);
  });

  test('severity goes by the peak: told at once when it rises, and not taken back', () => {
    const { told, occurrences } = run(trace('0:31 100:31 110:34.9 120:35 130:31 140:39 150:40 160:31'));
    expect(told).toEqual(['100 firing', '120 updated', '150 updated']);
    expect(occurrences.map(({ severity }) => severity)).toEqual(['medium', 'high', 'critical']);
  });

  test('it fires with the severity that the on-delay has reached', () => {
    expect(run(trace('0:36 100:31')).occurrences).toMatchObject([{ severity: 'high' }]);
  });

  test('an update comes at most once in updateIntervalMs, counted from whatever was told last', () => {
    const readings = Array.from({ length: 40 }, (_, index) => [index * 100, index === 16 ? 36 : 31] as const);
    expect(run(readings).told).toEqual(['100 firing', '1100 updated', '1600 updated', '2600 updated', '3600 updated']);
  });

  test('while it recovers nothing is told but its end', () => {
    const { told } = run(
      [
        [0, 31],
        [100, 31],
        [110, 29],
        [5_000, 29],
      ],
      { offDelayMs: 9_000 },
    );
    expect(told).toEqual(['100 firing']);
  });

  test('below a lower limit tiers lie downwards', () => {
    const lower: Partial<LifecycleSettings> = {
      detector: { rule: 'lower', limit: 0, deadband: 0 },
      onDelayMs: 0,
      tiers: [{ from: -5, severity: 'critical' }],
    };
    const severityAt = (value: number) => {
      const verdict: Verdict = { kind: 'breaching', value, limit: 0, reach: -value, since: instant(0) };
      return step({ ...settings, ...lower }, ok, verdict, instant(0)).told?.occurrence.severity;
    };
    expect([severityAt(-4.9), severityAt(-5), severityAt(-9)]).toEqual(['medium', 'critical', 'critical']);
  });

  test('only durations by the monotonic clock count, wherever the wall clock jumps', () => {
    let lifecycle: Lifecycle = ok;
    const phases = [
      { monotonicMs: 0, atMs: 5e12 },
      { monotonicMs: 99, atMs: 0 },
      { monotonicMs: 100, atMs: 3 },
    ].map((at) => {
      const verdict: Verdict = { kind: 'breaching', value: 31, limit: 30, reach: 31, since: at };
      lifecycle = step(settings, lifecycle, verdict, at).lifecycle;
      return lifecycle.phase;
    });
    expect(phases).toEqual(['pending', 'pending', 'firing']);
  });
});
