import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConfigurationStatus } from '../config/in-force.ts';
import { keptConfigurationFile } from '../config/last-good.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { AppError } from '../platform/errors.ts';
import { silentLogger } from '../platform/logger.ts';
import { manualTime } from '../platform/time.ts';
import { createAppliedConfiguration } from './applied-configuration.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'applied-'));
  folders.push(made);
  return made;
}

/** What runs is written down; a launch with a port that is `taken` fails. */
function stage(dataDir = folder(), taken: readonly number[] = []) {
  const time = manualTime(startMs);
  const events: string[] = [];
  const failures: unknown[] = [];
  let config: LoadedConfig['config'] | undefined;
  let status: (() => ConfigurationStatus) | undefined;
  const applied = createAppliedConfiguration({
    load: (deployment) => loadConfig({ deployment }),
    async launch(loaded, statusOfIt) {
      const port = loaded.config.http.monitorPort;
      if (taken.includes(port)) throw new AppError('start-failed', `Port ${port} is taken.`);
      config = loaded.config;
      status = statusOfIt;
      events.push(`launch ${port}`);
      return {
        reconfigure: (version) =>
          events.push(`reconfigure ${loaded.config.thresholds['temperature']?.upper} ${version}`),
        stop: async () => events.push(`stop ${port}`),
      };
    },
    kept: keptConfigurationFile(dataDir, 'monitor'),
    ...{ time, logger: silentLogger, failed: (error) => failures.push(error) },
  });
  return {
    ...{ applied, events, failures, time, dataDir },
    limit: () => config?.thresholds['temperature']?.upper,
    status: () => status?.(),
    kept: () => JSON.parse(readFileSync(join(dataDir, 'monitor.configuration.json'), 'utf8')) as unknown,
  };
}

const version = async (deployment: unknown) => (await loadConfig({ deployment })).version;

describe('a changed configuration', () => {
  test('that needs no restart reaches what runs, and is kept', async () => {
    const s = stage();
    await s.applied.start({ tempLimit: '30', accessControl: { secret: 'policies' } });
    s.time.advance(60_000);
    await s.applied.offer({ tempLimit: '31', humidLimit: '55' });
    expect(s.events).toEqual(['launch 0', `reconfigure 31 ${await version({ tempLimit: '31', humidLimit: '55' })}`]);
    expect(s.limit()).toBe(31);
    expect(s.status()).toMatchObject({ sinceMs: startMs + 60_000, refused: undefined });
    expect(s.status()?.origin('thresholds.temperature.upper')).toBe('deployment');
    expect(s.kept()).toMatchObject({ lastGood: { deployment: { tempLimit: '31', humidLimit: '55' } }, refused: null });
    expect(statSync(join(s.dataDir, 'monitor.configuration.json')).mode & 0o777).toBe(0o600);
  });

  test('that needs a restart stops what runs, and launches it anew', async () => {
    const s = stage();
    await s.applied.start({ http: { monitorPort: '1' } });
    await s.applied.offer({ http: { monitorPort: '2' }, tempLimit: '31' });
    expect(s.events).toEqual(['launch 1', 'stop 1', 'launch 2']);
    expect(s.limit()).toBe(31);
  });

  test('that says the same as the one before leaves what runs alone', async () => {
    const s = stage();
    await s.applied.start({ tempLimit: '30' });
    await s.applied.offer({ thresholds: { temperature: { upper: 30 } } });
    expect(s.events).toEqual(['launch 0']);
  });

  test('that does not start gives way to the one before, and is told', async () => {
    const s = stage(folder(), [2]);
    await s.applied.start({ http: { monitorPort: 1 } });
    await s.applied.offer({ http: { monitorPort: 2 } });
    expect(s.events).toEqual(['launch 1', 'stop 1', 'launch 1']);
    expect(s.status()?.refused).toEqual({ atMs: startMs, reason: 'It did not start: Port 2 is taken.' });
    expect(s.kept()).toMatchObject({ lastGood: { deployment: { http: { monitorPort: 1 } } } });
    await s.applied.offer({ http: { monitorPort: 3 } });
    expect(s.events.slice(3)).toEqual(['stop 1', 'launch 3']);
    expect(s.status()?.refused).toBeUndefined();
  });

  test('after which nothing starts any more is the end', async () => {
    const taken: number[] = [];
    const s = stage(folder(), taken);
    await s.applied.start({ http: { monitorPort: 1 } });
    taken.push(1, 2);
    await s.applied.offer({ http: { monitorPort: 2 } });
    expect(s.failures).toMatchObject([{ message: 'Port 1 is taken.' }]);
  });

  test('that cannot be used leaves the one in force, with the reason in sentences', async () => {
    const s = stage();
    await s.applied.start({ tempLimit: '30' });
    await s.applied.offer({ tempLimit: 'hot', snowUrl: 'ftp://x' });
    expect(s.events).toEqual(['launch 0']);
    expect(s.limit()).toBe(30);
    expect(s.status()?.refused?.reason).toMatch(
      /thresholds\.temperature\.upper \(deployment, as tempLimit\): found "hot"/,
    );
    expect(s.status()?.refused?.reason).toMatch(/snowUrl \(deployment\): it is no http\(s\) URL/);
    expect(s.kept()).toMatchObject({
      lastGood: { deployment: { tempLimit: '30' } },
      refused: { at: '2026-03-01T12:00:00Z' },
    });
    await s.applied.offer({ tempLimit: '32' });
    expect(s.status()?.refused).toBeUndefined();
    expect(s.kept()).toMatchObject({ refused: null });
  });

  test('that comes before the start has ended waits for it', async () => {
    const s = stage();
    const offered = s.applied.offer({ tempLimit: '31' });
    await s.applied.start({ tempLimit: '30' });
    await offered;
    expect(s.events).toHaveLength(2);
    expect(s.limit()).toBe(31);
  });

  test('that comes after the stop starts nothing', async () => {
    const s = stage();
    await s.applied.start({ http: { monitorPort: 1 } });
    await s.applied.stop();
    await s.applied.offer({ http: { monitorPort: 2 } });
    expect(s.events).toEqual(['launch 1', 'stop 1']);
  });
});

describe('a start', () => {
  const bad = { tempLimit: 'hot' };

  test('whose deployment cannot be used goes on with the last good one', async () => {
    const before = stage();
    await before.applied.start({ tempLimit: '27', http: { monitorPort: 7 } });
    const s = stage(before.dataDir);
    await s.applied.start(bad);
    expect(s.events).toEqual(['launch 7']);
    expect(s.limit()).toBe(27);
    expect(s.status()?.refused?.reason).toMatch(/found "hot"/);
  });

  test('whose deployment is not known goes on with the last good one, until it is told', async () => {
    const before = stage();
    await before.applied.start({ tempLimit: '27' });
    const s = stage(before.dataDir);
    expect(s.applied.hasLastGood()).toBe(true);
    await s.applied.start(undefined);
    expect(s.status()?.refused?.reason).toMatch(
      /not told the configuration yet; the last good one, of 2026-03-01T12:00:00Z/,
    );
    await s.applied.offer({ tempLimit: '27' });
    expect(s.events).toEqual(['launch 0']);
    expect(s.status()?.refused).toBeUndefined();
  });

  test('without a last good one is refused with what is wrong', async () => {
    await expect(stage().applied.start(bad)).rejects.toThrow(/found "hot"/);
  });

  test('of a release that cannot use the last good one either tells both reasons', async () => {
    const before = stage();
    await before.applied.start({});
    const path = join(before.dataDir, 'monitor.configuration.json');
    const kept = readFileSync(path, 'utf8').replace('"deployment": {}', '"deployment": {"of a newer release": 1}');
    writeFileSync(path, kept);
    const started = stage(before.dataDir).applied.start(bad);
    await expect(started).rejects.toThrow(
      /found "hot"[\s\S]*last good one, of 2026-03-01T12:00:00Z[\s\S]*unknown name/,
    );
  });

  test('reads what a newer release kept, and ignores what it does not know', async () => {
    const dataDir = folder();
    const lastGood = { deployment: { tempLimit: '26' }, configVersion: 'x', takenAt: '2026-02-01T00:00:00Z', more: 1 };
    writeFileSync(
      join(dataDir, 'monitor.configuration.json'),
      JSON.stringify({ version: 1, lastGood, refused: null, alsoMore: [] }),
    );
    const s = stage(dataDir);
    await s.applied.start(undefined);
    expect(s.limit()).toBe(26);
  });

  test.each(['', '{"version":2}', 'nonsense'])('does without what is damaged: %s', async (text) => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'monitor.configuration.json'), text);
    const s = stage(dataDir);
    expect(s.applied.hasLastGood()).toBe(false);
    await s.applied.start({ tempLimit: '26' });
    expect(s.kept()).toMatchObject({ version: 1, lastGood: { deployment: { tempLimit: '26' } } });
  });
});

test('a configuration is judged without being applied', async () => {
  const s = stage();
  await s.applied.start({});
  await expect(s.applied.judge({ tempLimit: '33', accessControl: {} })).resolves.toBeUndefined();
  await expect(s.applied.judge({ tempLimit: '33', thresholds: { temperature: { upper: 34 } } })).resolves.toMatch(
    /given here and, with another value, as tempLimit/,
  );
  expect(s.events).toEqual(['launch 0']);
});

test.each([
  ['ends the launch that is under way', true],
  ['before the launch keeps it from beginning', false],
])('a stop %s, and says nothing of the configuration', async (_, isUnderWay) => {
  const failures: unknown[] = [];
  const file = keptConfigurationFile(folder(), 'monitor');
  let launches = 0;
  const applied = createAppliedConfiguration({
    load: (deployment) => loadConfig({ deployment }),
    launch: (_loaded, _status, signal) =>
      new Promise((_resolve, reject) => {
        launches += 1;
        signal.addEventListener('abort', () =>
          reject(new AppError('stopping', 'Not started: the program is stopping.')),
        );
      }),
    kept: file,
    ...{ time: manualTime(startMs), logger: silentLogger, failed: (error) => failures.push(error) },
  });
  const started = expect(applied.start({ tempLimit: '30' })).rejects.toThrow('program is stopping.');
  if (isUnderWay) await expect.poll(() => launches).toBe(1);
  await applied.stop();
  await started;
  expect(launches).toBe(isUnderWay ? 1 : 0);
  expect([failures, file.read()]).toMatchObject([[], { ok: true, kept: { lastGood: null, refused: null } }]);
});
