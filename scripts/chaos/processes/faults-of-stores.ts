import { cp, readFile, rm } from 'node:fs/promises';
import type { ComponentName } from './bundles.ts';
import { eventually, pause } from './eventually.ts';
import type { Account } from './round.ts';
import { loseData, type World } from './world.ts';

const deliveredWithinMs = 30_000;
const held = 'a';

/** While a breach lasts that has its incident, and no other: more than that a lost store of the handler may take with it. */
export function loseOne(name: ComponentName) {
  return async (world: World, account: Account): Promise<void> => {
    await holdOne(world, account);
    await world.components[name].kill();
    await loseData(world, name);
    note(account, name);
    world.components[name].start();
    await letGo(world);
  };
}

/** From a backup that was made before the breach that lasts now. */
export function restoreOne(name: ComponentName) {
  return async (world: World, account: Account): Promise<void> => {
    const { components, dataDirs, waves } = world;
    const backup = `${dataDirs[name]}.backup`;
    await deliverAll(world, account);
    await components[name].kill();
    await cp(dataDirs[name], backup, { recursive: true });
    components[name].start();
    await holdOne(world, account);
    waves.release(held);
    await deliverAll(world, account);
    await holdOne(world, account);
    await components[name].kill();
    await loseData(world, name);
    await cp(backup, dataDirs[name], { recursive: true });
    await rm(backup, { recursive: true });
    note(account, name);
    components[name].start();
    await letGo(world);
  };
}

function note(account: Account, name: ComponentName): void {
  account[name === 'monitor' ? 'monitorLossesMs' : 'handlerLossesMs'].push(Date.now());
  account.strikes += 1;
}

async function deliverAll({ waves, serviceNow }: World, account: Account): Promise<void> {
  waves.calm();
  const isDelivered = () => !waves.isHot() && openIncidents(serviceNow.rows('incident')) === 0;
  if (await eventually(isDelivered, deliveredWithinMs)) return;
  account.findings.push({ invariant: 'all is delivered', what: `incidents open ${deliveredWithinMs} ms after calm` });
}

async function holdOne(world: World, account: Account): Promise<void> {
  await deliverAll(world, account);
  const { waves, serviceNow } = world;
  waves.hold(held);
  const isTold = () => waves.isHot() && openIncidents(serviceNow.rows('incident')) === 1;
  if (await eventually(isTold, deliveredWithinMs)) return;
  account.findings.push({ invariant: 'all is delivered', what: `no incident ${deliveredWithinMs} ms after a breach` });
}

function openIncidents(rows: readonly Readonly<Record<string, string>>[]): number {
  return rows.filter(({ state = '' }) => ['1', '2', '3'].includes(state)).length;
}

/** Both sides come together again before the breach ends, or while it does. */
async function letGo({ waves, random }: World): Promise<void> {
  await pause(random() * 4_000);
  waves.release(held);
}

/** The next release takes both data directories over, and the one that ran before gets them back. */
export async function rollBack({ bundles, components, random }: World, account: Account): Promise<void> {
  for (const release of [bundles.nextRelease, bundles.release]) {
    for (const name of ['monitor', 'handler'] as const) {
      const component = components[name];
      await component.kill();
      component.install(release);
      component.start();
      await pause(500 + random() * 1_000);
    }
    account.strikes += 1;
  }
}

export async function secondHandler({ secondHandler: second, logFile }: World, account: Account): Promise<void> {
  const timesSaid = async () => (await readFile(logFile, 'utf8')).split('staying passive').length - 1;
  const before = await timesSaid();
  second.start();
  const isPassive = await eventually(async () => (await timesSaid()) > before, 8_000);
  await pause(2_000);
  await second.kill();
  account.strikes += 1;
  if (!isPassive)
    account.findings.push({ invariant: 'one handler serves', what: 'a second one did not say that it stays passive' });
}
