import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AuditSettings, defaultSettings, readSettings } from '../audit/settings.ts';
import { breachFrom, emptyInstance, teller } from '../audit/told-fixture.ts';
import { beginAudit, checkSummaryFile, keepAuditSettings, outcomeOf } from './outcome.ts';
import { openReadingTrace } from './trace.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outcome-'));
});
afterEach(() => rm(folder, { recursive: true }));

const humidityAbove = (limit: number): AuditSettings => ({
  ...defaultSettings,
  quietMs: 0,
  rules: [{ rule: 'upper', metric: 'humidity', limit, deadband: 2, onDelayMs: 0, offDelayMs: 0 }],
});
const humid = breachFrom(10, 20, { metric: 'humidity' });
const minuteMs = 60_000;

/** A run whose sensor says one value a minute; what is lost, doubled, and kept of its settings. */
function run(given: AuditSettings, fromMs: number, values: readonly number[], instance = emptyInstance()) {
  const settings = beginAudit(folder, given, fromMs);
  keepAuditSettings(folder, settings);
  const trace = openReadingTrace(folder);
  const nowMs = fromMs + values.length * minuteMs;
  for (const [seq, humidity] of values.entries()) {
    const atMs = fromMs + seq * minuteMs;
    trace.add(
      { site: 'home', deviceId: 'pi', seq, atMs, monotonicMs: atMs, metrics: { humidity } },
      `run at ${fromMs}`,
    );
  }
  const tables: Record<string, readonly object[]> = {
    incident: instance.rows,
    sys_journal_field: instance.journal,
    sys_attachment: instance.attachments,
  };
  const { lost, duplicates } = outcomeOf({
    settings,
    trace,
    serviceNow: { rows: (table) => (tables[table] ?? []).map((row) => ({ ...row })) },
    readings: { read: values.length, published: values.length, failed: 0 },
    anomalies: [],
    settledUntilMs: nowMs,
    watchedUntilMs: nowMs,
  });
  const readings = trace.readings().length;
  trace.close();
  return { lost, duplicates, readings, sinceMs: readSettings(join(folder, 'audit-settings.json')).sinceMs };
}

/** The breach of `humid`, in a run whose limit it does not pass. */
const quietRun = () => run(humidityAbove(80), humid.startedAtMs, [60, 60, 40]);
const laterMs = humid.startedAtMs + 60 * minuteMs;

test('readings of earlier runs are judged along as long as the same rules hold', () => {
  const told = emptyInstance();
  teller(told).tell(breachFrom(10, 12, { metric: 'humidity' }));
  const first = run(humidityAbove(50), humid.startedAtMs, [60, 60, 40], told);
  expect(first).toEqual({ lost: 0, duplicates: 0, readings: 3, sinceMs: undefined });
  expect(run(humidityAbove(50), laterMs, [40], told)).toEqual({ ...first, readings: 4 });
  expect(run(humidityAbove(50), laterMs + minuteMs, [40]).lost).toBe(1);
});

test('other rules begin the trace anew, and nothing that an earlier limit let pass is lost', async () => {
  quietRun();
  const changed = { lost: 0, duplicates: 0, readings: 1, sinceMs: laterMs };
  expect(run(humidityAbove(50), laterMs, [40])).toEqual(changed);
  expect((await readFile(join(folder, 'readings.ndjson.1'), 'utf8')).trimEnd().split('\n')).toHaveLength(3);
  // The next run with these rules goes on from there.
  expect(run(humidityAbove(50), laterMs + minuteMs, [40])).toEqual({ ...changed, readings: 2 });
  expect(run(humidityAbove(50), laterMs + 2 * minuteMs, [60]).lost).toBe(1);
});

test('a breach that fires across the change is not lost, and its incident is no finding', () => {
  quietRun();
  const told = emptyInstance();
  teller(told).tell(breachFrom(10, null, { metric: 'humidity' }));
  expect(run(humidityAbove(50), laterMs, [60, 40], told)).toMatchObject({ lost: 0, duplicates: 0 });
});

test.each([
  ['the quiet period', { quietMs: 1 }],
  ['what recovery does', { onRecovery: 'note' as const }],
])('another value of %s begins anew', (_case, other) => {
  quietRun();
  expect(run({ ...humidityAbove(80), ...other }, laterMs, [40]).sinceMs).toBe(laterMs);
});

test.each([
  ['half a file of settings', async () => writeFile(join(folder, 'audit-settings.json'), '{"rules":[')],
  ['no trace beside the settings', async () => rm(join(folder, 'readings.ndjson'))],
])('%s begins anew', async (_case, spoil) => {
  quietRun();
  await spoil();
  expect(run(humidityAbove(80), laterMs, [40])).toMatchObject({ readings: 1, sinceMs: laterMs });
});

test('a summary that cannot be written is found before the run; one that can is left as it was', async () => {
  await writeFile(join(folder, 'file'), 'kept');
  checkSummaryFile(join(folder, 'file'));
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('kept');
  checkSummaryFile(join(folder, 'new', 'summary.json'));
  expect(existsSync(join(folder, 'new', 'summary.json'))).toBe(false);
  for (const wrong of [folder, join(folder, 'file', 'summary.json')]) {
    expect(() => checkSummaryFile(wrong)).toThrow(/^Cannot write the summary .*--summary\.$/);
  }
});
