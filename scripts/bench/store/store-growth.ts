import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../../device/config/schema.ts';
import type { HandlerStatus } from '../../../device/handler/handler.ts';
import { AppError } from '../../../device/platform/errors.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import type { Finding } from '../edge/rounds.ts';
import { createFleet } from './fleet.ts';
import { createStoreWorld, type StoreWorld } from './store-world.ts';

export interface StoreGrowth {
  finding: Finding;
  /** What there was on the way, for the reader. */
  lines: string[];
}

interface Weighed {
  anomalies: number;
  bytes: { monitor: number; handler: number };
  /** Since the last time. */
  told: HandlerStatus['relay']['told'];
}

const devices = 1_000;
/** 48,000 a day. */
const anomaliesAMinute = 100 / 3;
/** The longest breach, the quiet period, and the look for those whose quiet period is over. */
const minutesToEnd = 20;
const minuteMs = 60_000;
/** Retentions are the defaults; guards against many incidents are off. */
const configuration = {
  ...{ site: 'bench', deviceId: 'gateway', sensor: { kind: 'mqtt', mqtt: { maxDevices: 100_000 } } },
  thresholds: { temperature: { upper: 30, deadband: 0.5, onDelayMs: 0, offDelayMs: 0 } },
  noData: { enabled: false },
  handler: {
    ...{ claimMs: 0, quietMs: 5 * minuteMs, reopenWindowMs: 15 * minuteMs, deviceSilentMs: 0 },
    ...{ maxNewPerHour: 1_000_000, storm: { keys: 100_000, windowMs: 100 } },
  },
  anomaly: { windowReadings: 0 },
  serviceNow: { attachChart: false },
  store: { reserveBytes: 0 },
};
const tenths = 10;
const bar = 1.1;

/**
 * Size of the stores of monitor and handler after so many anomalies, against their size after a tenth of these, in one
 * run: 1,000 devices of a gateway, of which any calm one begins a breach every 1.8 s. It lasts up to nine minutes, its
 * incident is resolved after five, reopened by a breach within fifteen, and followed by a new one after that. The rate
 * and the retentions, which are the defaults, are the same all along, and a tenth is beyond each of them. The files are
 * weighed after the first tenth and after the last one, when all is told to its end; in between both components start
 * anew on them.
 * @throws AppError `failed` where an anomaly was not told to its end
 */
export async function storeGrowth(anomalies: number, onProgress: (line: string) => void): Promise<StoreGrowth> {
  // Of the same size as on a disk, and it wears none.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-store-'));
  const random = seededRandom(1);
  const world = createStoreWorld({ folder, config: configSchema.parse(configuration), random });
  const fleet = createFleet(devices, random);
  const weighed: Weighed[] = [];
  const cpuUs: number[] = [];
  let begun = 0;
  let minutes = 0;

  async function breachUntil(until: number): Promise<void> {
    while (begun < until) {
      minutes += 1;
      const beginning = Math.min(until, Math.round(minutes * anomaliesAMinute)) - begun;
      begun += beginning;
      world.say(fleet.next(beginning));
      await world.pass(minuteMs);
      onProgress(`${begun.toLocaleString('en')} anomalies of ${anomalies.toLocaleString('en')}`);
    }
  }

  async function tellAndWeigh(since: number): Promise<void> {
    for (let minute = 0; minute < minutesToEnd; minute += 1) {
      world.say(fleet.next(0));
      await world.pass(minuteMs);
    }
    checkAllTold(world, begun - since);
    weighed.push({ anomalies: begun, bytes: world.bytes(), told: world.status().relay.told });
    await world.stop();
  }

  try {
    await world.start();
    for (let tenth = 1; tenth <= tenths; tenth += 1) {
      const [before, used] = [begun, process.cpuUsage()];
      await breachUntil(Math.round((anomalies * tenth) / tenths));
      const { user, system } = process.cpuUsage(used);
      cpuUs.push((user + system) / (begun - before));
      if (tenth === 1) {
        await tellAndWeigh(0);
        await world.start();
      }
    }
    await tellAndWeigh(weighed[0]?.anomalies ?? 0);
    return resultOf(weighed, { cpuUs, days: minutes / 1_440 });
  } finally {
    world.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkAllTold(world: StoreWorld, anomalies: number): void {
  const { counts, relay } = world.status();
  const { created, joined, reopened, recovered } = relay.told;
  const begun = {
    'without an incident': anomalies - created - joined - reopened,
    'without an end': anomalies - recovered,
  };
  const wrong = Object.entries({ ...counts, ...begun, 'not resolved': world.openIncidents() });
  const left = wrong.flatMap(([name, count]) => (count === 0 ? [] : `${name} ${count}`));
  if (left.length === 0) return;
  throw new AppError(
    'failed',
    `Of ${anomalies} anomalies not all were told to their ends: ${left.join(', ')}. ` +
      'Sizes would say nothing; a test of device/handler should show why.',
  );
}

function resultOf(weighed: readonly Weighed[], { cpuUs, days }: { cpuUs: number[]; days: number }): StoreGrowth {
  const [few, many] = weighed;
  if (few === undefined || many === undefined) throw new Error('two sizes are compared');
  const megabytes = ({ bytes }: Weighed) => (bytes.monitor + bytes.handler) / 1e6;
  const ratio = megabytes(many) / megabytes(few);
  const count = (value: number) => value.toLocaleString('en');
  const line = ({ anomalies, bytes }: Weighed) =>
    `after ${count(anomalies)} anomalies: handler.db ${count(bytes.handler)} bytes, monitor.db ${count(bytes.monitor)} bytes`;
  const told = (kind: keyof Weighed['told']) => count(few.told[kind] + many.told[kind]);
  return {
    finding: {
      measure: `stores after ${count(many.anomalies)} anomalies, against ${count(few.anomalies)}`,
      ...{ ratio, bar: `<= ${bar}`, holds: ratio <= bar },
      of: `${megabytes(many).toFixed(2)} / ${megabytes(few).toFixed(2)} MB`,
    },
    lines: [
      `${days.toFixed(1)} simulated days; incidents created ${told('created')}, reopened ${told('reopened')}, breaching again before they were resolved ${told('joined')}`,
      ...weighed.map(line),
      `CPU ms an anomaly, by tenths: ${cpuUs.map((us) => (us / 1_000).toFixed(2)).join(' ')}`,
    ],
  };
}
