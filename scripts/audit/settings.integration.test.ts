import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultSettings, readSettings, settingsOf } from './settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('every limit and no-data is a rule, with the deadband of its metric where none is given', () => {
  const delays = { onDelayMs: 5, offDelayMs: 6 };
  const settings = settingsOf(
    {
      thresholds: {
        temperature: { upper: 30, lower: 5, ...delays },
        humidity: { upper: 50, deadband: 0, ...delays },
        pressure: { lower: 950, ...delays },
        other: delays,
      },
      noData: { enabled: false, afterMs: 60 },
      handler: { quietMs: 7, onRecovery: 'note' },
    },
    { toleranceMs: 1, timerSlackMs: 2 },
  );
  expect(settings).toEqual({
    rules: [
      { rule: 'upper', metric: 'temperature', limit: 30, deadband: 0.5, ...delays },
      { rule: 'lower', metric: 'temperature', limit: 5, deadband: 0.5, ...delays },
      { rule: 'upper', metric: 'humidity', limit: 50, deadband: 0, ...delays },
      { rule: 'lower', metric: 'pressure', limit: 950, deadband: 0, ...delays },
    ],
    quietMs: 7,
    onRecovery: 'note',
    toleranceMs: 1,
    timerSlackMs: 2,
  });
});

test('settings are read as they were written, and what they lack is none', async () => {
  const file = join(folder, 'settings.json');
  await writeFile(file, JSON.stringify(defaultSettings));
  expect(readSettings(file)).toEqual(defaultSettings);
  await writeFile(file, '{"rules":[{"rule":"no-data","noDataAfterMs":60000}]}');
  expect(readSettings(file)).toMatchObject({ quietMs: 0, toleranceMs: 0, onRecovery: 'resolve' });
});

test('settings that cannot be are told with their place', async () => {
  const file = join(folder, 'wrong.json');
  await writeFile(file, '{"rules":[{"rule":"upper","metric":"t"}]}');
  expect(() => readSettings(file)).toThrow(/Cannot use .*wrong\.json: .*\n.*rules\[0\]\.limit/);
  expect(() => readSettings(join(folder, 'none.json'))).toThrow(/ENOENT/);
});
