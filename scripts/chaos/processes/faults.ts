import type { ComponentName } from './bundles.ts';
import { cutTwin, instanceErrs, otherFaults, people, rotateCredentials } from './faults-of-instance.ts';
import { clockJumps, clockSetLate, diskFull, namesLost, readOnly } from './faults-of-machine.ts';
import { brokerCrashes, brokerErrs, crashAt, killAtRandom, powerLoss } from './faults-of-processes.ts';
import { loseOne, restoreOne, rollBack, secondHandler } from './faults-of-stores.ts';
import { brokerCrashPoints, type CrashPoint, crashPoints } from './orders.ts';
import type { Account } from './round.ts';
import type { World } from './world.ts';

export interface Fault {
  /** As it stands in the table of a run. */
  name: string;
  /** Faults of one kind differ in where they strike. */
  kind: string;
  /** Strikes while breaches come and go; the world is well again when it resolves. */
  strike(world: World, account: Account): Promise<void>;
}

/** Points that a component never passes. */
const elsewhere: Readonly<Record<ComponentName, readonly CrashPoint[]>> = {
  monitor: ['before acknowledge', 'after acknowledge', 'before HTTP answer', 'after HTTP answer'],
  handler: [],
};
const both = ['monitor', 'handler'] as const;

/** Everything that can go wrong with whole processes, but for the storm after an outage, which has a world of its own. */
export const faults: readonly Fault[] = [
  { name: 'SIGKILL at random', kind: 'kill', strike: killAtRandom },
  ...both.flatMap((component) =>
    crashPoints
      .filter((point) => !elsewhere[component].includes(point))
      .map((point) => ({
        name: `${component} crashes ${point}`,
        kind: 'crash point',
        strike: crashAt(component, point),
      })),
  ),
  ...brokerCrashPoints.map((point) => ({
    ...{ name: `broker crashes ${point}`, kind: 'broker crash point', strike: brokerCrashes(point) },
  })),
  ...both.map((component) => ({
    ...{ name: `power loss of the ${component}, its last write cut at every byte`, kind: 'power loss' },
    strike: powerLoss(component),
  })),
  ...both.map((component) => ({
    ...{ name: `full disk of the ${component}`, kind: 'disk full', strike: diskFull(component) },
  })),
  ...both.map((component) => ({
    ...{ name: `read-only file system of the ${component}`, kind: 'read-only', strike: readOnly(component) },
  })),
  { name: 'wall clock jumps', kind: 'clock jumps', strike: clockJumps },
  { name: 'wall clock is set right late', kind: 'clock late', strike: clockSetLate },
  ...both.map((component) => ({ name: `DNS fails for the ${component}`, kind: 'DNS', strike: namesLost(component) })),
  { name: 'broker drops, duplicates and reorders', kind: 'broker', strike: brokerErrs },
  { name: 'instance commits, then cuts; cuts, then commits late', kind: 'instance cuts', strike: cutTwin },
  ...Object.entries(otherFaults).map(([what, fault]) => ({
    ...{ name: `instance ${what}`, kind: 'instance errs', strike: instanceErrs(fault) },
  })),
  { name: 'people decide', kind: 'people', strike: people },
  { name: 'credentials are rotated', kind: 'rotation', strike: rotateCredentials },
  ...both.map((component) => ({
    ...{ name: `data of the ${component} are lost`, kind: 'loss', strike: loseOne(component) },
  })),
  ...both.map((component) => ({
    ...{ name: `data of the ${component} come from a backup`, kind: 'restore', strike: restoreOne(component) },
  })),
  { name: 'roll-back to the previous release', kind: 'roll-back', strike: rollBack },
  { name: 'second handler on the instance', kind: 'second handler', strike: secondHandler },
];
