import type { Breach } from '../../audit/breach.ts';
import type { ComponentName } from './bundles.ts';
import { pause } from './eventually.ts';
import type { Account } from './round.ts';
import { onSmallDisk } from './small-disk.ts';
import type { World } from './world.ts';

const hourMs = 3_600_000;
/** The components ask for the state of the machine's clock this often. */
const clockAskedMs = 10_000;

export function diskFull(name: ComponentName) {
  return async (world: World, account: Account): Promise<void> => {
    const component = world.components[name];
    const seenUntilMs = world.waves.seenUntilMs();
    const played = await onSmallDisk(world, name, async ({ fill, empty }) => {
      await pause(700);
      fill();
      await pause(2_500);
      if (await empty()) return;
      account.findings.push({
        invariant: 'a full disk is got over',
        what: `the ${name} does not keep its reserve again`,
      });
    });
    if (!played) {
      component.order({ disk: 'full' });
      await pause(2_500);
      component.order({ disk: 'well' });
    }
    account.strikes += 1;
    if (name === 'monitor') account.excuse = unwritten(world, seenUntilMs);
  };
}

/** As an SD card does that fails: under the running component, and then at a start. */
export function readOnly(name: ComponentName) {
  return async (world: World, account: Account): Promise<void> => {
    const component = world.components[name];
    const seenUntilMs = world.waves.seenUntilMs();
    component.order({ disk: 'read-only' });
    await pause(1_500);
    component.order({ disk: 'well' });
    await onSmallDisk(world, name, async ({ setReadOnly }) => {
      await component.kill();
      setReadOnly(true);
      component.start();
      await pause(1_500);
      await component.kill();
      setReadOnly(false);
      component.start();
    });
    account.strikes += 1;
    if (name === 'monitor') account.excuse = unwritten(world, seenUntilMs);
  };
}

/**
 * What began and ended while it could not be written down is told to nobody, and an end that could not be has no time. The
 * monitor starts again in the end, and until it is heard it knows only what was written.
 * @param seenUntilMs as it was before: what was on its way to the monitor came too late to be written
 */
function unwritten({ waves }: World, seenUntilMs: (deviceId: string) => number) {
  const startedMs = Date.now();
  return (breach: Breach): Breach => {
    const { startedAtMs, endedAtMs } = breach;
    const fromMs = seenUntilMs(breach.deviceId);
    const toMs = startedMs + waves.longestSilenceMs();
    const endedMeanwhile = endedAtMs !== null && endedAtMs >= fromMs && endedAtMs <= toMs;
    if (!endedMeanwhile) return breach;
    return { ...breach, untimed: true, optional: breach.optional || startedAtMs >= fromMs };
  };
}

/** There and back, for both components, as they share a machine. What lived through it has no times that can be judged. */
export async function clockJumps({ random, components, waves }: World, account: Account): Promise<void> {
  account.excuse = (breach) => ({ ...breach, untimed: true });
  account.clockWasWrong = true;
  const jump = (wallOffsetMs: number) => {
    for (const component of Object.values(components)) component.order({ wallOffsetMs });
    waves.clockIsAhead(wallOffsetMs);
    account.strikes += 1;
  };
  await pause(random() * 1_000);
  jump(Math.round((random() < 0.5 ? -1 : 1) * (1 + random() * 2) * hourMs));
  await pause(500 + random() * 2_000);
  jump(0);
}

/** A Pi without a network: it starts hours in the past, knows it, and is told the time while breaches come and go. */
export async function clockSetLate({ random, components, waves }: World, account: Account): Promise<void> {
  const both = Object.values(components);
  const wallOffsetMs = -Math.round((4 + random() * 48) * hourMs);
  const wrongFromMs = Date.now();
  account.clockWasWrong = true;
  await Promise.all(both.map((component) => component.kill()));
  for (const component of both) component.order({ wallOffsetMs, clockSynchronised: false });
  waves.clockIsAhead(wallOffsetMs);
  for (const component of both) component.start();
  await pause(3_000 + random() * 1_000);
  for (const component of both) component.order({ wallOffsetMs: 0, clockSynchronised: true });
  waves.clockIsAhead(0);
  const rightFromMs = Date.now();
  account.strikes += 1;
  account.excuse = (breach) => {
    const { startedAtMs, endedAtMs } = breach;
    if (startedAtMs > rightFromMs || (endedAtMs !== null && endedAtMs < wrongFromMs)) return breach;
    return { ...breach, clockWasWrong: true, untimed: endedAtMs !== null && endedAtMs <= rightFromMs };
  };
  await pause(clockAskedMs);
}

/** Those of the instance and of the broker. */
export function namesLost(name: ComponentName) {
  return async ({ components }: World, account: Account): Promise<void> => {
    const component = components[name];
    component.order({ resolvesNames: false });
    // Connections that stand need no name.
    await component.kill();
    component.start();
    await pause(2_500);
    component.order({ resolvesNames: true });
    account.strikes += 1;
  };
}
