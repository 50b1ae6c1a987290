import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComponentName } from './bundles.ts';
import { eventually, pause } from './eventually.ts';
import type { BrokerCrashPoint, CrashPoint } from './orders.ts';
import type { Account } from './round.ts';
import { takenBack } from './told.ts';
import { tear } from './torn-store.ts';
import type { World } from './world.ts';

const crashWithinMs = 6_000;

/** Monitor, handler and broker, at any moment. */
export async function killAtRandom({ random, components, broker }: World, account: Account): Promise<void> {
  for (let kill = 0; kill < 4; kill += 1) {
    await pause(random() * 900);
    const drawn = random();
    if (drawn < 0.2) {
      await broker.kill();
      await broker.start();
    } else {
      const component = components[drawn < 0.6 ? 'monitor' : 'handler'];
      await component.kill();
      component.start();
    }
    account.strikes += 1;
  }
}

export function crashAt(name: ComponentName, at: CrashPoint) {
  return async ({ random, components }: World, account: Account): Promise<void> => {
    let firstMs: number | undefined;
    for (let crash = 0; crash < 3; crash += 1) {
      const nth = 1 + Math.floor(random() * 5);
      if (!(await components[name].crash({ at, nth }, { withinMs: crashWithinMs }))) continue;
      account.strikes += 1;
      firstMs ??= performance.now();
      // Until it outlives a write, readings that are heard tell nothing of what is stored.
      if (name === 'monitor' && at === 'before write') account.unstoredMs = performance.now() - firstMs;
    }
    if (account.strikes > 0) return;
    const what = `the ${name} never came to the point "${at}" within ${3 * crashWithinMs} ms`;
    account.findings.push({ invariant: 'the fault strikes', what });
  };
}

/** While it hands a message over: the component has been told that it was taken, or not; the other has it, or not. */
export function brokerCrashes(at: BrokerCrashPoint) {
  return async ({ random, broker }: World, account: Account): Promise<void> => {
    for (let crash = 0; crash < 3; crash += 1) {
      const nth = 1 + Math.floor(random() * 5);
      if (await broker.crash({ at, nth }, crashWithinMs)) account.strikes += 1;
    }
    if (account.strikes > 0) return;
    account.findings.push({ invariant: 'the fault strikes', what: `the broker never came to the point "${at}"` });
  };
}

/** What came after the last sync is in jeopardy at these; what was told at the last ones must be before it. */
const powerFailsAt: Readonly<Record<ComponentName, readonly CrashPoint[]>> = {
  monitor: ['after write', 'before sync', 'after sync', 'after publish'],
  handler: ['after write', 'before sync', 'after sync', 'after acknowledge', 'before HTTP answer'],
};

/**
 * The power fails: of what the write-ahead log got after its last sync the first bytes are on the disk, the others are
 * not. The store is opened with every number of them, and the component started with one.
 */
export function powerLoss(name: ComponentName) {
  return async ({ random, components, folder, mostCuts }: World, account: Account): Promise<void> => {
    const torn = join(folder, 'torn');
    await mkdir(torn, { recursive: true });
    const points = powerFailsAt[name];
    const at = points[Math.floor(random() * points.length)] ?? 'after write';
    const nth = 2 + Math.floor(random() * 6);
    const meanwhile = async (): Promise<void> => {
      const { findings, cuts, chosen } = await tear(torn, { random, mostCuts });
      account.findings.push(...findings, ...takenBack(torn, name));
      account.strikes += cuts;
      const store = await readFile(join(torn, 'store'), 'utf8');
      // Another file, not the same written anew: a connection of this process may still hold what it knows of the old one.
      for (const old of [store, `${store}-shm`]) await rm(old, { force: true });
      await copyFile(join(torn, 'synced.db'), store);
      await writeFile(`${store}-wal`, chosen);
    };
    if (!(await components[name].crash({ at, nth, tornIn: torn }, { withinMs: crashWithinMs, meanwhile }))) {
      account.findings.push({
        invariant: 'the fault strikes',
        what: `the ${name} did not come to "${at}" ${nth} times`,
      });
    }
    await rm(torn, { recursive: true });
  };
}

/** On the way between the components: lost after the broker has taken it, doubled, and late. */
export async function brokerErrs({ random, broker, client }: World, account: Account): Promise<void> {
  broker.err(0.1 + random() * 0.15);
  await pause(2_500 + random() * 1_000);
  broker.err(0);
  account.strikes += 1;
  await eventually(() => client.connected, 5_000);
}
