import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openServedStore } from '../../../device/handler/store.ts';
import { killChild, startChild } from './child.ts';
import { arrived, breach, calm, floodOf, mixed, started } from './life.ts';
import { nowMs } from './now.ts';
import type { Programs } from './programs.ts';
import { encode } from './publisher.ts';
import type { Received } from './receiver.ts';
import { greengrassItsm, type System } from './systems.ts';
import type { World } from './world.ts';

/** Readings a second of an MQTT.js client that parses them, and does nothing else. */
export async function bareSubscriber(programs: Programs, world: World, readings: number): Promise<number> {
  const encoded = encode(Array.from({ length: readings }, (_, index) => calm(index)));
  const logFile = join(world.folder, 'system.log');
  const args = [programs.path('subscriber'), String(world.broker.port), String(readings)];
  const child = startChild(process.execPath, args, { logFile, ipc: true });
  try {
    await once(child, 'message');
    const heardAll = once(child, 'message');
    const beganMs = nowMs();
    await world.publisher.publish(encoded);
    await heardAll;
    return readings / ((nowMs() - beganMs) / 1_000);
  } finally {
    await killChild(child);
  }
}

/** Readings a second of this runtime where it publishes none again either, 1 % of them breaches. */
export async function withoutRepublishing(programs: Programs, world: World, readings: number): Promise<number> {
  const { child } = await started(greengrassItsm(programs, { republish: false }), world);
  try {
    return (await floodOf(world, child, mixed(readings))).perS;
  } finally {
    await killChild(child);
  }
}

/** Incidents a second of breaches alone, with the store on disk and in memory, where a sync costs nothing. */
export async function durability(
  programs: Programs,
  world: World,
  breaches: number,
): Promise<{ onDisk: number; inMemory: number } | undefined> {
  if (!existsSync('/dev/shm')) return undefined;
  const memory = mkdtempSync('/dev/shm/bench-');
  try {
    const inMemory = await incidentsPerS(greengrassItsm(programs, { dataDir: memory }), world, breaches);
    return { inMemory, onDisk: await incidentsPerS(greengrassItsm(programs), world, breaches) };
  } finally {
    rmSync(memory, { recursive: true, force: true });
  }
}

async function incidentsPerS(system: System, world: World, breaches: number): Promise<number> {
  const { child } = await started(system, world);
  try {
    return (await floodOf(world, child, Array.from({ length: breaches }, breach))).perS;
  } finally {
    await killChild(child);
  }
}

/** CPU µs a reading where they come from so many devices, none of them breaching. */
export async function cpuByDevices(
  programs: Programs,
  world: World,
  { devices, readings }: { devices: number; readings: number },
): Promise<number> {
  const { child } = await started(greengrassItsm(programs), world);
  try {
    // Every device is known before anything counts; the last message is a breach, whose incident tells the end.
    await floodOf(world, child, [...calmOnes(devices, devices), breach()]);
    return (await floodOf(world, child, [...calmOnes(readings, devices), breach()])).cpuUs;
  } finally {
    await killChild(child);
  }
}

function calmOnes(readings: number, devices: number) {
  return Array.from({ length: readings }, (_, index) => calm(index, devices));
}

/** How many incidents a second come once an instance is back for which so many have queued. */
export async function drain(programs: Programs, world: World, incidents: number): Promise<number> {
  const { child } = await started(greengrassItsm(programs), world);
  try {
    await world.receiver.close();
    const before = await world.receiver.count();
    await world.publisher.publish(encode(Array.from({ length: incidents }, breach)));
    await queued(world, incidents);
    await world.receiver.open();
    const openedMs = nowMs();
    const lastMs = await arrived(world, before + incidents);
    return incidents / ((lastMs - openedMs) / 1_000);
  } finally {
    await killChild(child);
  }
}

/** Waits until the handler's store holds so many that wait to be told. */
async function queued(world: World, wanted: number): Promise<void> {
  const store = openServedStore(join(world.folder, 'data', 'handler.db'));
  try {
    while (store.counts().entries < wanted) await pause(100);
  } finally {
    store.close();
  }
}

/** The same of an axios client that only POSTs. */
export async function barePoster(
  programs: Programs,
  world: World,
  incidents: number,
  atATime: number,
): Promise<number> {
  const logFile = join(world.folder, 'system.log');
  const args = [programs.path('poster'), world.receiver.url, String(incidents), String(atATime)];
  const child = startChild(process.execPath, args, { logFile, ipc: true });
  try {
    await once(child, 'message');
    const before = await world.receiver.count();
    const beganMs = nowMs();
    child.send('go');
    return incidents / (((await arrived(world, before + incidents)) - beganMs) / 1_000);
  } finally {
    await killChild(child);
  }
}

/**
 * Breaches while the instance is away, then SIGKILL, then everything is back.
 * @returns how many of them made no incident, and how many made a second one
 */
export async function outageAndKill(
  system: System,
  world: World,
  breaches: number,
): Promise<{ lost: number; doubled: number }> {
  const first = await started(system, world);
  await world.receiver.close();
  const messages = Array.from({ length: breaches }, breach);
  // The broker has acknowledged them, and the system has had the time of a person to take them in.
  await world.publisher.publish(encode(messages));
  await pause(3_000);
  await killChild(first.child);
  await world.receiver.open();
  const again = await started(system, world);
  try {
    const late = (await untilQuiet(world)).arrivals;
    const times = new Map<string, number>();
    for (const [key] of [...again.arrivals, ...late]) {
      const [, device = ''] = key.split('/');
      times.set(device, (times.get(device) ?? 0) + 1);
    }
    const own = messages.map(({ device }) => times.get(device) ?? 0);
    return { lost: own.filter((n) => n === 0).length, doubled: own.filter((n) => n > 1).length };
  } finally {
    await killChild(again.child);
  }
}

/** What arrives until nothing has for five seconds. */
async function untilQuiet(world: World): Promise<Pick<Received, 'arrivals'>> {
  const all: Received['arrivals'] = [];
  for (let quiet = 0; quiet < 10; quiet += 1) {
    await pause(500);
    const { arrivals } = await world.receiver.take();
    all.push(...arrivals);
    if (arrivals.length > 0) quiet = 0;
  }
  return { arrivals: all };
}
