import { describe, expect, test } from 'vitest';
import { configSchema } from '../config/schema.ts';
import { isoUtc } from '../platform/time.ts';
import { recordedRows } from '../sensor/replay/recording.ts';
import { compileRules, detect, initialDetection, noDataDueMs } from './detect.ts';
import type { Transition } from './detection.ts';

/**
 * Against a real Sense HAT recording (Astro Pi, August 2015; 24,604 rows at about 10 s). It is not part of the
 * repository: give its path in RECORDING_CSV, or these tests are skipped.
 */
const file = process.env['RECORDING_CSV'] ?? '';
const columns = { timestamp: 'timestamp_utc', temperature: 'temp_h_c', humidity: 'humidity_pct' };

/** Runs the recording with a tick at each instant at which one is due; its clock is wall time and monotonic in one. */
function replay(temperature: { deadband: number; onDelayMs: number }) {
  const rules = compileRules(
    configSchema.parse({ thresholds: { temperature: { upper: 30, ...temperature }, humidity: { upper: 50 } } }),
  );
  let state = initialDetection();
  let readings = 0;
  const transitions: Transition[] = [];
  for (const row of recordedRows(file, columns)) {
    if (!row.ok) continue;
    readings += 1;
    const { atMs, metrics } = row;
    const due = noDataDueMs(rules, state);
    if (due !== undefined && Number.isFinite(due) && due < atMs) {
      const ticked = detect(rules, state, { kind: 'tick', atMs: due, monotonicMs: due });
      state = ticked.state;
      transitions.push(...ticked.transitions);
    }
    const detected = detect(rules, state, { kind: 'reading', atMs, monotonicMs: atMs, metrics });
    state = detected.state;
    transitions.push(...detected.transitions);
  }
  const spans = (rule: string, metric: string) =>
    transitions
      .filter((told) => told.rule === rule && told.metric === metric && told.phase !== 'updated')
      .map(
        ({ phase, startedAtMs, endedAtMs }) =>
          `${phase} ${isoUtc(startedAtMs)} – ${endedAtMs === null ? '' : isoUtc(endedAtMs)}`,
      );
  return { readings, spans };
}

describe.skipIf(file === '')('a recording of three days (RECORDING_CSV)', () => {
  test('with deadband and on-delay, the day above 30 °C is one breach', () => {
    const { readings, spans } = replay({ deadband: 0.5, onDelayMs: 60_000 });
    expect(readings).toBe(24_604);
    expect(spans('upper', 'temperature').filter((span) => span.includes('2015-08-22'))).toEqual([
      'firing 2015-08-22T10:11:50Z – ',
      'resolved 2015-08-22T10:11:50Z – 2015-08-22T19:28:00Z',
    ]);
  });

  test('a bare threshold makes five of it', () => {
    const { spans } = replay({ deadband: 0, onDelayMs: 0 });
    expect(spans('upper', 'temperature').filter((span) => span.startsWith('resolved'))).toEqual(
      [
        ['10:11:50', '10:12:01'],
        ['10:12:10', '10:12:20'],
        ['10:12:31', '10:13:41'],
        ['10:13:50', '10:14:10'],
        ['10:14:20', '19:15:01'],
      ].map(([start, end]) => `resolved 2015-08-22T${start}Z – 2015-08-22T${end}Z`),
    );
  });

  test('the gap of 11.9 h is one no-data, and the humidity breach is one occurrence through it', () => {
    const { spans } = replay({ deadband: 0.5, onDelayMs: 60_000 });
    const noData = spans('no-data', '*');
    expect(noData).toHaveLength(2);
    const [, start = '', end = ''] = /^resolved (\S+) – (\S+)$/.exec(noData[1] ?? '') ?? [];
    expect(start).toContain('2015-08-21T10:53');
    expect(end).toContain('2015-08-21T22:4');
    expect(Date.parse(end) - Date.parse(start)).toBe(42_870_000);
    expect(spans('upper', 'humidity')).toEqual(['firing 2015-08-20T23:58:30Z – ']);
  });
});
