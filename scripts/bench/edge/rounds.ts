import { cpus } from 'node:os';
import { AppError } from '../../../device/platform/errors.ts';
import { median } from '../median.ts';
import {
  barePoster,
  bareSubscriber,
  cpuByDevices,
  drain,
  durability,
  outageAndKill,
  withoutRepublishing,
} from './comparisons.ts';
import { type LifeFigures, live } from './life.ts';
import type { Programs } from './programs.ts';
import { greengrassItsm, nodeRed, postScript, type System } from './systems.ts';
import { startWorld, type World } from './world.ts';

/** One ratio, and the bar that it is held against. */
export interface Finding {
  measure: string;
  ratio: number;
  /** `>= 2.5`, `<= 0.35`. */
  bar: string;
  holds: boolean;
  /** The two figures. */
  of: string;
}

export interface Result {
  on: string;
  broker: string;
  systems: string[];
  /** What each system did, for the reader. */
  figures: string[][];
  findings: Finding[];
  /** Why the post's script has no figures; undefined where it has, or there is no Python. */
  scriptFailed: string | undefined;
}

export interface RoundsOptions {
  programs: Programs;
  /** Folder that it is installed in. */
  nodeRed: string;
  /** Interpreter with the post's packages. */
  python: string | undefined;
  rounds: number;
  cache: string;
  onProgress: (line: string) => void;
}

const sizes = { floodReadings: 100_000, breaches: 4_000, latencyS: 10 };
const queuedIncidents = 10_000;
/** As many requests at a time as the handler makes. */
const requestsAtATime = 8;
const lostBreaches = 500;

/** Figures of the comparisons of one round. */
interface Comparison {
  bare: number;
  notRepublished: number;
  onDisk: number;
  inMemory: number;
  fewDevicesUs: number;
  manyDevicesUs: number;
  drained: number;
  posted: number;
  lost: number;
  doubled: number;
  lostByOther: number;
}

/** Everything once in each round, one after the other, so that whatever slows the machine slows all. */
export async function runRounds(options: RoundsOptions): Promise<Result> {
  const { programs, python, rounds, onProgress } = options;
  const ours = greengrassItsm(programs);
  const other = nodeRed(options.nodeRed);
  const script = python === undefined ? undefined : postScript(python);
  const systems = [ours, other, ...(script === undefined ? [] : [script])];
  let scriptFailed: string | undefined;
  const lives = new Map<System, LifeFigures[]>(systems.map((system) => [system, []]));
  const comparisons: Comparison[] = [];
  let broker = '';

  /** A world of its own for each measurement: none finds what another has left. */
  async function inWorld<T>(round: number, what: string, work: (world: World) => Promise<T>): Promise<T> {
    onProgress(`round ${round} of ${rounds}: ${what}`);
    const world = await startWorld(options.cache, programs);
    broker = world.broker.name;
    try {
      return await work(world);
    } finally {
      await world.stop();
    }
  }

  for (let round = 1; round <= rounds; round += 1) {
    for (const system of [ours, other]) {
      lives.get(system)?.push(await inWorld(round, system.name, (world) => live(system, world, sizes)));
    }
    // It has no bar, and a script that keeps nothing may lose what the others keep: then it has no figures.
    if (script !== undefined && scriptFailed === undefined) {
      try {
        lives.get(script)?.push(await inWorld(round, script.name, (world) => live(script, world, sizes)));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        scriptFailed = error.message;
      }
    }
    const at = <T>(what: string, work: (world: World) => Promise<T>) => inWorld(round, what, work);
    const byDevices = (devices: number) => (world: World) =>
      cpuByDevices(programs, world, { devices, readings: sizes.floodReadings });
    const sync = await at('with and without syncs', (world) => durability(programs, world, sizes.breaches));
    const own = await at('outage and SIGKILL', (world) => outageAndKill(ours, world, lostBreaches));
    comparisons.push({
      bare: await at('a bare subscriber', (world) => bareSubscriber(programs, world, sizes.floodReadings)),
      notRepublished: await at('readings that are not published again', (world) =>
        withoutRepublishing(programs, world, sizes.floodReadings),
      ),
      ...(sync ?? { onDisk: Number.NaN, inMemory: Number.NaN }),
      fewDevicesUs: await at('10 devices', byDevices(10)),
      manyDevicesUs: await at('10,000 devices', byDevices(10_000)),
      drained: await at('what queued in an outage', (world) => drain(programs, world, queuedIncidents)),
      posted: await at('a client that only POSTs', (world) =>
        barePoster(programs, world, queuedIncidents, requestsAtATime),
      ),
      ...own,
      lostByOther: (await at('outage and SIGKILL of Node-RED', (world) => outageAndKill(other, world, lostBreaches)))
        .lost,
    });
  }

  const life = (system: System, figure: keyof LifeFigures) =>
    median((lives.get(system) ?? []).map((one) => one[figure]));
  const comparison = (figure: keyof Comparison) => median(comparisons.map((one) => one[figure]));
  const against = (measure: string, figure: keyof LifeFigures, bar: string) =>
    finding(measure, { ours: life(ours, figure), other: life(other, figure) }, bar);
  return {
    on: `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
    broker,
    systems: systems.map(({ name }) => name),
    scriptFailed,
    figures: figures.map(([name, figure, digits]) => [
      name,
      ...systems.map((system) => life(system, figure).toFixed(digits)),
    ]),
    findings: [
      against('readings/s, 1 % breaches, against Node-RED', 'readingsPerS', '>= 2.5'),
      against('CPU a reading, against Node-RED', 'cpuUsPerReading', '<= 0.35'),
      against('every reading a breach: incidents/s, against Node-RED', 'incidentsPerS', '>= 1.5'),
      against('publish to incident, p99 at 100/s, against Node-RED', 'p99At100Ms', '<= 0.4'),
      against('publish to incident, p99 at 1000/s, against Node-RED', 'p99At1000Ms', '<= 0.5'),
      against('idle private memory, against Node-RED', 'idlePrivateMiB', '<= 0.6'),
      against('peak memory under flood, against Node-RED', 'peakMiB', '<= 0.5'),
      against('cold start to the first incident, against Node-RED', 'coldStartMs', '<= 0.35'),
      finding(
        'readings/s, none published again, against a bare MQTT.js subscriber',
        { ours: comparison('notRepublished'), other: comparison('bare') },
        '>= 0.75',
      ),
      finding(
        'incidents/s with syncs, against without',
        { ours: comparison('onDisk'), other: comparison('inMemory') },
        '>= 0.85',
      ),
      finding(
        'CPU a reading of 10,000 devices, against 10',
        { ours: comparison('manyDevicesUs'), other: comparison('fewDevicesUs') },
        '<= 1.15',
      ),
      finding(
        '10,000 incidents after an outage: drained/s, against bare axios',
        { ours: comparison('drained'), other: comparison('posted') },
        '>= 0.6',
      ),
      lossOf(comparisons),
    ],
  };
}

const figures: [name: string, figure: keyof LifeFigures, digits: number][] = [
  ['cold start to the first incident, ms', 'coldStartMs', 0],
  ['idle private memory, MiB', 'idlePrivateMiB', 0],
  ['publish to incident, p99 at 100 readings/s, ms', 'p99At100Ms', 1],
  ['publish to incident, p99 at 1000 readings/s, ms', 'p99At1000Ms', 1],
  ['readings/s, 1 % breaches', 'readingsPerS', 0],
  ['CPU µs a reading of these', 'cpuUsPerReading', 1],
  ['every reading a breach: incidents/s', 'incidentsPerS', 0],
  ['peak memory, MiB', 'peakMiB', 0],
];

function finding(measure: string, { ours, other }: { ours: number; other: number }, bar: string): Finding {
  const ratio = ours / other;
  const [sense, limit] = bar.split(' ');
  const holds = sense === '>=' ? ratio >= Number(limit) : ratio <= Number(limit);
  return { measure, ratio, bar, holds, of: `${short(ours)} / ${short(other)}` };
}

function lossOf(comparisons: readonly Comparison[]): Finding {
  const [lost, doubled, byOther] = (['lost', 'doubled', 'lostByOther'] as const).map((figure) =>
    comparisons.reduce((sum, one) => sum + one[figure], 0),
  ) as [number, number, number];
  return {
    measure: 'lost or doubled in an outage and a SIGKILL',
    ratio: lost + doubled,
    bar: '<= 0',
    holds: lost + doubled === 0,
    of: `of ${comparisons.length * lostBreaches}; Node-RED loses ${byOther}`,
  };
}

const short = (value: number) => value.toFixed(value < 100 ? 1 : 0);
