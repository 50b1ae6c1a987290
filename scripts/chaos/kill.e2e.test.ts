import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../device/platform/random.ts';
import { type AuditPolicy, type AuditResult, audit, strictPolicy } from '../audit/audit.ts';
import { readInstance } from '../audit/instance.ts';
import { type ComponentName, type Processes, startProcesses } from './processes.ts';
import { createWaves, type Waves } from './waves.ts';

/** Kills and cut answers that the long run must have seen. */
const leastKills = 50;
const leastCuts = 20;
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

let folder: string;
let world: Processes;
let waves: Waves;
let kills: Record<ComponentName, number>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kill-'));
  kills = { monitor: 0, handler: 0 };
});
afterEach(async () => {
  waves.stop();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function begin(devices: readonly string[], random: () => number): Promise<void> {
  world = await startProcesses({ folder });
  waves = createWaves({ devices, random, publish: world.publishReading });
  world.client.on('message', (_topic, payload) => waves.heard(payload));
  await world.client.subscribeAsync('IoTBlog/sensorData');
  world.start('handler');
  world.start('monitor');
  waves.start();
}

async function killAndRestart(name: ComponentName): Promise<void> {
  await world.kill(name);
  kills[name] += 1;
  world.start(name);
}

async function openIncidents(): Promise<number> {
  return world.serviceNow.rows('incident').filter((row) => ['1', '2', '3'].includes(row['state'] ?? '')).length;
}

/**
 * Ends all breaches, waits until nothing is wrong with what was written, as what waits is still to come, and judges once more
 * when the components are gone.
 */
async function settleAndAudit(policy: Partial<AuditPolicy> = {}): Promise<AuditResult> {
  waves.finish();
  await expect.poll(waves.isHot, { timeout: 20_000 }).toBe(false);
  const { url, credentials } = world.serviceNow;
  const judged = async () =>
    audit({
      ...(await readInstance({ url, username: credentials.username, password: credentials.password })),
      breaches: waves.breaches(),
      policy: { ...strictPolicy, toleranceMs: waves.longestSilenceMs() + 500, ...policy },
    });
  await expect.poll(async () => findings(await judged()), { timeout: 90_000, interval: 500 }).toEqual({});
  await Promise.all([world.kill('monitor'), world.kill('handler')]);
  return judged();
}

function findings({ summary, ok, underway, ...lists }: AuditResult): Record<string, readonly unknown[]> {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

describe('both components as processes', () => {
  test(`${leastKills} kills and ${leastCuts} cut answers: every breach is in exactly one incident`, {
    timeout: 400_000,
  }, async () => {
    const random = seededRandom(seed);
    await begin(['a', 'b', 'c'], random);
    const { faults } = world.serviceNow;
    faults.add({ kind: 'commit-then-cut', probability: 0.1 });
    faults.add({ kind: 'cut-then-commit', probability: 0.1, delayMs: 700 });
    const cuts = () => faults.fired('commit-then-cut') + faults.fired('cut-then-commit');
    while (kills.monitor + kills.handler < leastKills || cuts() < leastCuts) {
      await wait(200 + random() * 1_600);
      await killAndRestart(random() < 0.5 ? 'monitor' : 'handler');
    }
    faults.clear();
    const result = await settleAndAudit();
    process.stdout.write(
      `seed ${seed}: ${kills.monitor} kills of the monitor, ${kills.handler} of the handler, ${cuts()} cut answers, ` +
        `${result.summary.breaches} breaches, ${result.summary.incidents} incidents, ${result.summary.findings} findings\n`,
    );
    expect(findings(result)).toEqual({});
    expect(result.summary.breaches).toBeGreaterThan(20);
    expect(await readFile(world.logFile, 'utf8')).not.toMatch(/-password/);
  });

  test.each(['monitor', 'handler'] as const)(
    'the data of the %s are lost while a breach fires: it is still in exactly one incident',
    { timeout: 60_000 },
    async (name) => {
      await begin(['a'], () => 0.5);
      await expect.poll(openIncidents, { timeout: 20_000 }).toBe(1);
      waves.hold('a');
      await world.kill(name);
      await world.loseData(name);
      const lostAtMs = Date.now();
      world.start(name);
      // The empty store of either side settles, and both have come together by a roll call.
      await wait(4_000);
      const result = await settleAndAudit({ monitorLossesMs: name === 'monitor' ? [lostAtMs] : [] });
      expect(findings(result)).toEqual({});
      expect(result.summary.incidents).toBe(1);
    },
  );
});
