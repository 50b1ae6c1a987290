import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { FaultInput } from '../../../device/simulation/servicenow/faults.ts';
import type { Breach } from '../../audit/breach.ts';
import type { Bundles } from './bundles.ts';
import { eventually, pause } from './eventually.ts';
import { createJudge } from './judge.ts';
import { type Pace, pacedWallMs, paceVariable } from './orders.ts';
import type { PlayedRound } from './play-rounds.ts';
import { newAccount } from './round.ts';
import { startWorld, type World } from './world.ts';

export const stormName = 'outage of hours, then a storm';

export interface StormOptions {
  bundles: Bundles;
  seed: number;
  /** Devices that breach at once. */
  keys?: number;
  outageHours?: number;
}

/** How much faster than ours time runs for the components. */
const factor = 120;
const hourMs = 3_600_000;
/** By the components' clocks: 10 s of ours. */
const timeoutMs = 20 * 60_000;
const hotCelsius = 35;
const calmCelsius = 20;
/** Devices that breach and recover one after the other while the instance is away. */
const early = 12;
/** Readings published in one go: a broker cuts off who does not keep up. */
const batch = 250;
/** A reading that a broker lost is published once more. */
const askAgainAfterMs = 2_000;
const toldWithinMs = 240_000;
/** A storm lists a few keys in a note: on a busy machine many notes a minute are few. */
const endedWithinMs = 900_000;
/** What a store may hold of each device, its log included. */
const bytesOfKey = 4_000;
const rateLimit: FaultInput = {
  kind: 'status',
  status: 429,
  retryAfterSeconds: 30,
  limitPerHour: 1_000,
  probability: 0.2,
};
const cap = { stormKeys: 20, newPerHour: 100 };

/**
 * An instance that is away for hours, with a breach now and then; then all keys breach at once, and it comes back with a
 * rate limit. The components' clocks run `factor` times as fast as ours; the same code, files and sockets as ever.
 */
export async function playStorm({
  bundles,
  seed,
  keys = 10_000,
  outageHours = 3,
}: StormOptions): Promise<{ result: PlayedRound; kept: string | undefined }> {
  const beganMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const pace: Pace = { factor, wallMs: Date.now(), hrtimeMs: Number(process.hrtime.bigint() / 1_000n) / 1_000 };
  const nowMs = () => pacedWallMs(pace, Date.now());
  const world = await startWorld({
    ...{ folder, bundles, seed, nowMs, configuration: configurationOfStorm, timeoutMs, devices: [] },
    env: { [paceVariable]: JSON.stringify(pace) },
  });
  const truth = readingsHeard(world);
  const account = newAccount();
  account.handlerRules = ['storm'];
  let kept = true;
  try {
    await world.start();
    const { faults } = world.serviceNow;
    const ids = Array.from({ length: keys }, (_, index) => `d${index}`);
    await truth.bring(ids, calmCelsius);
    const outage = faults.add({ kind: 'status', status: 503 });
    const outageMs = (outageHours * hourMs) / factor;
    for (const id of ids.slice(0, early)) {
      await truth.bring([id], hotCelsius);
      await pause(outageMs / early / 2);
      await truth.bring([id], calmCelsius);
      await pause(outageMs / early / 2);
    }
    await truth.bring(ids, hotCelsius);
    // Of writes alone: the audit reads meanwhile.
    for (const method of ['POST', 'PATCH']) faults.add({ ...rateLimit, match: { method } });
    faults.remove(outage);
    const isStorming = () => world.serviceNow.rows('incident').some((row) => row['correlation_id']?.endsWith('/storm'));
    if (!(await eventually(isStorming, toldWithinMs))) {
      account.findings.push({
        invariant: 'the storm guard holds',
        what: `no incident of a storm within ${toldWithinMs} ms`,
      });
    }
    await truth.bring(ids, calmCelsius);
    account.strikes += faults.fired('status');
    const judge = createJudge(
      { ...world, waves: { ...world.waves, breaches: truth.breaches } },
      { rightWithinMs: endedWithinMs, mostFileBytes: 32_000_000 + keys * bytesOfKey },
    );
    const { findings, breaches } = await judge.judge(account);
    const opened = world.serviceNow.rows('incident').length;
    const most = early + cap.stormKeys + 2;
    if (opened > most) {
      const what = `${opened} incidents of ${keys} keys that breached at once; ${most} are allowed`;
      findings.push({ invariant: 'the storm guard holds', what });
    }
    kept = findings.length > 0;
    const result = { fault: stormName, strikes: account.strikes, kills: 0, breaches, findings };
    return { result: { ...result, ms: performance.now() - beganMs }, kept: kept ? folder : undefined };
  } finally {
    await world.stop();
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
}

const published = z.object({
  deviceId: z.string(),
  ts: z.iso.datetime().transform((text) => Date.parse(text)),
  metrics: z.object({ temperature: z.number() }),
});

/** Brings devices to a temperature, and knows the breaches by the readings that the monitor publishes of them. */
function readingsHeard({ client }: World) {
  const last = new Map<string, number>();
  const breaches: Breach[] = [];
  const lasting = new Map<string, number>();
  client.on('message', (topic, payload) => {
    if (topic !== 'IoTBlog/sensorData') return;
    const { deviceId, ts, metrics } = published.parse(JSON.parse(payload.toString('utf8')));
    last.set(deviceId, metrics.temperature);
    const at = lasting.get(deviceId);
    if (metrics.temperature === hotCelsius && at === undefined) {
      lasting.set(deviceId, breaches.length);
      const key = { site: 'test', deviceId, metric: 'temperature', rule: 'upper', optional: false };
      breaches.push({ ...key, startedAtMs: ts, firedAtMs: ts, endedAtMs: null, resolvedAtMs: null });
    } else if (metrics.temperature === calmCelsius && at !== undefined) {
      const breach = breaches[at];
      if (breach !== undefined) breaches[at] = { ...breach, endedAtMs: ts, resolvedAtMs: ts };
      lasting.delete(deviceId);
    }
  });
  return {
    breaches: () => [...breaches],
    /** Resolves once the monitor has published it of each of them. */
    async bring(ids: readonly string[], celsius: number): Promise<void> {
      for (let from = 0; from < ids.length; from += batch) {
        const some = ids.slice(from, from + batch);
        const left = () => some.filter((id) => last.get(id) !== celsius);
        let askAgainMs = 0;
        const ask = () => {
          const waiting = left();
          if (performance.now() < askAgainMs) return waiting.length === 0;
          askAgainMs = performance.now() + askAgainAfterMs;
          for (const id of waiting) client.publish(`IoTBlog/gateway/${id}`, JSON.stringify({ temperature: celsius }));
          return waiting.length === 0;
        };
        if (!(await eventually(ask, toldWithinMs)))
          throw new Error(`the monitor does not hear of ${left().join(', ')}`);
      }
    },
  };
}

const configurationOfStorm = {
  // Of every device, at this pace: with the usual ones 10,000 of them would say nothing else.
  monitor: { heartbeatMs: 30 * 60_000, rollCallMs: 6 * 3_600_000 },
  handler: {
    claimMs: 1_000,
    statusMs: 15_000,
    quietMs: 15 * 60_000,
    noteIntervalMs: 10_000,
    reopenWindowMs: 0,
    deviceSilentMs: 0,
    maxNewPerHour: cap.newPerHour,
    storm: { keys: cap.stormKeys, windowMs: 20 * 60_000 },
  },
  // As a device has it: the short ones of the other rounds would be none at this pace.
  delivery: {},
};
