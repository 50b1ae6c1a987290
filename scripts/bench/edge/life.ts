import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../../../device/platform/errors.ts';
import { killChild } from './child.ts';
import { nowMs } from './now.ts';
import { encode, type Message } from './publisher.ts';
import type { Received } from './receiver.ts';
import type { System } from './systems.ts';
import { cpuMs, peakMiB, privateMiB } from './usage.ts';
import type { World } from './world.ts';

/** What one system did in one world; undefined where it was not asked for. */
export interface LifeFigures {
  coldStartMs: number;
  idlePrivateMiB: number;
  p99At100Ms: number;
  p99At1000Ms: number;
  readingsPerS: number;
  cpuUsPerReading: number;
  peakMiB: number;
  incidentsPerS: number;
}

export interface LifeSizes {
  floodReadings: number;
  breaches: number;
  /** Of each rate of the latency. */
  latencyS: number;
}

/** Every hundredth reading of a flood is a breach. */
const floodEvery = 100;
/** Every twentieth at a steady rate. */
const steadyEvery = 20;
const idleS = 3;
/** Without progress for so long a system has lost something, or hangs. */
const patienceMs = 30_000;

let devices = 0;

/** A breach that no other reading follows: each is of a device of its own. */
export function breach(): Message & { device: string } {
  devices += 1;
  const device = `b${devices}`;
  return { device, topic: `IoTBlog/gateway/${device}`, payload: '{"temperature":35.5}' };
}

/** A reading below the limit, of one of so many devices. */
export function calm(index: number, deviceCount = 100): Message {
  return { topic: `IoTBlog/gateway/n${index % deviceCount}`, payload: `{"temperature":${20 + (index % 70) / 10}}` };
}

/**
 * One life of a system in a world: a cold start on data that is there, quiet, steady rates, a flood with 1 % breaches,
 * and one of breaches alone.
 */
export async function live(system: System, world: World, sizes: LifeSizes): Promise<LifeFigures> {
  // The first start makes what is there at every later one.
  await killChild((await started(system, world)).child);
  const { child, coldStartMs } = await started(system, world);
  try {
    await pause(idleS * 1_000);
    const idlePrivateMiB = privateMiB(child);
    const p99At100Ms = await latency(world, { perS: 100, seconds: sizes.latencyS });
    const p99At1000Ms = await latency(world, { perS: 1_000, seconds: sizes.latencyS });
    const flood = await floodOf(world, child, mixed(sizes.floodReadings));
    const storm = await floodOf(world, child, Array.from({ length: sizes.breaches }, breach));
    return {
      ...{ coldStartMs, idlePrivateMiB, p99At100Ms, p99At1000Ms },
      readingsPerS: flood.perS,
      cpuUsPerReading: flood.cpuUs,
      peakMiB: peakMiB(child),
      incidentsPerS: storm.perS,
    };
  } finally {
    await killChild(child);
  }
}

export interface Started {
  child: ChildProcess;
  /** From its start to the arrival of its first incident. */
  coldStartMs: number;
  /** Incidents that came until it was quiet. */
  arrivals: Received['arrivals'];
}

/** Starts it, and waits for its first incident, and until no more come. */
export async function started(system: System, world: World): Promise<Started> {
  const before = await world.receiver.count();
  const startedAtMs = nowMs();
  const child = await system.start(world);
  while ((await world.receiver.count()) === before) {
    if (child.exitCode !== null || nowMs() - startedAtMs > patienceMs) {
      await killChild(child);
      const log = readFileSync(join(world.folder, 'system.log'), 'utf8').slice(-2_000);
      throw new AppError('failed', `${system.name} made no incident within ${patienceMs / 1_000} s. It said:\n${log}`);
    }
    world.publisher.publishOne(breach());
    await pause(10);
  }
  const { arrivals } = await world.receiver.take();
  const firstMs = arrivals[0]?.[1] ?? Number.NaN;
  const more = await settled(world);
  return { child, coldStartMs: firstMs - startedAtMs, arrivals: [...arrivals, ...more] };
}

/** Waits until no incident comes any more. */
async function settled(world: World): Promise<Received['arrivals']> {
  let count = -1;
  for (;;) {
    const now = await world.receiver.count();
    if (now === count) break;
    count = now;
    await pause(500);
  }
  return (await world.receiver.take()).arrivals;
}

export function mixed(readings: number): Message[] {
  return Array.from({ length: readings }, (_, index) => ((index + 1) % floodEvery === 0 ? breach() : calm(index)));
}

/** Publishes all at once; from the first to the arrival of the last incident. */
export async function floodOf(
  world: World,
  child: ChildProcess,
  messages: readonly Message[],
): Promise<{ perS: number; cpuUs: number }> {
  const expected = messages.filter((message) => 'device' in message).length;
  const encoded = encode(messages);
  await world.receiver.take();
  const before = await world.receiver.count();
  const usedMs = cpuMs(child);
  const beganMs = nowMs();
  await world.publisher.publish(encoded);
  const lastMs = await arrived(world, before + expected);
  return {
    perS: messages.length / ((lastMs - beganMs) / 1_000),
    cpuUs: ((cpuMs(child) - usedMs) * 1_000) / messages.length,
  };
}

/**
 * Waits until so many incidents were created; answers the instant of the last.
 * @throws AppError `failed` where none comes any more
 */
export async function arrived(world: World, wanted: number): Promise<number> {
  let seen = await world.receiver.count();
  let movedAtMs = nowMs();
  while (seen < wanted) {
    if (nowMs() - movedAtMs > patienceMs)
      throw new AppError('failed', `${wanted - seen} incidents of ${wanted} did not come.`);
    await pause(20);
    const now = await world.receiver.count();
    if (now !== seen) movedAtMs = nowMs();
    seen = now;
  }
  const { arrivals } = await world.receiver.take();
  return arrivals.at(-1)?.[1] ?? Number.NaN;
}

/** 99th percentile of publish → incident, ms. */
async function latency(world: World, { perS, seconds }: { perS: number; seconds: number }): Promise<number> {
  await world.receiver.take();
  const before = await world.receiver.count();
  const sentAtMs = new Map<string, number>();
  const beganMs = nowMs();
  for (let sent = 0; sent < perS * seconds; sent += 1) {
    const dueMs = beganMs + (sent * 1_000) / perS;
    while (nowMs() < dueMs) await pause(1);
    if ((sent + 1) % steadyEvery !== 0) world.publisher.publishOne(calm(sent));
    else {
      const message = breach();
      sentAtMs.set(message.device, world.publisher.publishOne(message));
    }
  }
  while ((await world.receiver.count()) < before + sentAtMs.size) {
    await pause(20);
    if (nowMs() - beganMs > seconds * 1_000 + patienceMs)
      throw new AppError('failed', 'Incidents of a steady rate did not come.');
  }
  const { arrivals } = await world.receiver.take();
  const delays = arrivals.flatMap(([key, atMs]) => {
    const [, device = ''] = key.split('/');
    const sent = sentAtMs.get(device);
    return sent === undefined ? [] : [atMs - sent];
  });
  return percentile(delays, 0.99);
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
