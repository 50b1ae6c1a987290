import { silentLogger } from '../../../device/platform/logger.ts';
import { seededRandom } from '../../../device/platform/random.ts';
import { manualTime } from '../../../device/platform/time.ts';
import { type Chronicle, createChronicle, type Finding, startMs } from './chronicle.ts';
import { type Component, createComponent } from './component.ts';
import type { DeviceCode } from './device-code.ts';
import { blankStore, createDisk } from './disk.ts';
import { eventLoop } from './event-loop.ts';
import { createHandlerSide, type HandlerSide } from './handler-side.ts';
import { judge } from './judge.ts';
import { createMonitorSide, type MonitorSide } from './monitor-side.ts';
import { createNetwork, fairWeather } from './network.ts';
import {
  type ComponentName,
  limits,
  type MetricName,
  type PersonAct,
  type Schedule,
  type Step,
  type Temper,
  troubleEndsMs,
} from './schedule.ts';
import { createSimulatedServiceNow, secretMark } from './service-now.ts';

export interface Outcome {
  findings: readonly Finding[];
  crashes: number;
  /** Faults of the network, and requests to the instance that failed. */
  faults: number;
  incidents: number;
  breaches: number;
  /** Requests to the instance. */
  requests: number;
  chronicle: Chronicle;
}

const sampleMs = 10_000;
/**
 * How long all is well before it is judged. Whatever is done now and then (roll call, settle time, quiet period, backoff)
 * has been done twice by the first of them; what does not hold by then is judged again at the last. On the way a person
 * redrives what was refused.
 */
const healingMs = [3.5 * 60_000, 5 * 60_000 + 5_000];
const lookAfterMs = [1.5 * 60_000, 2.75 * 60_000];

/** Plays a schedule to its end, and judges what came of it. The same schedule and code give the same outcome. */
export async function play(schedule: Schedule, device: DeviceCode): Promise<Outcome> {
  const world = createWorld(schedule, device);
  try {
    for (const component of Object.values(world.components)) component.start();
    sampleEvery(world);
    for (const step of schedule.steps) {
      await passTo(world, startMs + step.atMs);
      act(world, step);
    }
    await passTo(world, startMs + troubleEndsMs);
    heal(world);
    for (const afterMs of lookAfterMs) {
      await passTo(world, startMs + troubleEndsMs + afterMs);
      lookAfter(world);
    }
    let findings: readonly Finding[] = [];
    for (const afterMs of healingMs) {
      await passTo(world, startMs + troubleEndsMs + afterMs);
      findings = findingsOf(world);
      if (findings.length === 0) break;
    }
    return { ...outcomeOf(world), findings };
  } finally {
    world.loop.giveBack();
    world.monitor.close();
    world.handler.close();
    for (const disk of Object.values(world.disks)) disk.remove();
  }
}

type World = ReturnType<typeof createWorld>;

function createWorld(schedule: Schedule, device: DeviceCode) {
  const { setup, seed } = schedule;
  const time = manualTime(startMs, 1_000);
  const random = seededRandom(seed ^ 0x2f6e_2b1);
  const newId = idsFrom(random);
  const network = createNetwork(time, random);
  const chronicle = createChronicle(schedule);
  const services = [0, 1].map((service) => {
    return createSimulatedServiceNow({
      ...{ time, wallMs: () => time.wallMs(), random, newId },
      onLate: () => chronicle.met.add('late commits'),
      onWrite: (write) => chronicle.writes.push({ ...write, service, atMs: time.wallMs() }),
    });
  });
  const losesPower = schedule.steps.some((step) => step.do === 'crash' && step.survival === 'synced');
  const blank = {
    monitor: blankStore('monitor.db', device.openJournal),
    handler: blankStore('handler.db', (path) => device.openHandlerStore(path, '')),
  };
  const disks = {
    monitor: createDisk('monitor.db', blank.monitor, losesPower),
    handler: createDisk('handler.db', blank.handler, false),
  };
  const shared = { time, random, newId, network, device, setup, logger: silentLogger, chronicle };
  const monitor: MonitorSide = createMonitorSide({ ...shared, disk: disks.monitor });
  const handler: HandlerSide = createHandlerSide({ ...shared, disk: disks.handler, services });
  const components: Record<ComponentName, Component> = {
    monitor: createComponent({
      time,
      disk: disks.monitor,
      begin: monitor.begin,
      onEnd: monitor.ended,
      onReboot: monitor.reboot,
    }),
    handler: createComponent({
      time,
      disk: disks.handler,
      begin: handler.begin,
      onEnd: handler.ended,
      onReboot() {},
    }),
  };
  /** By device and metric. */
  const tempers = new Map<string, Temper>();
  const loop = eventLoop(time);
  return { setup, time, network, chronicle, services, disks, monitor, handler, components, tempers, loop, events: 0 };
}

/** 32 hex digits, never the same twice. */
function idsFrom(random: () => number): () => string {
  let count = 0;
  return () => {
    count += 1;
    const drawn = Math.floor(random() * 2 ** 32).toString(16);
    return drawn.padStart(8, '0') + count.toString(16).padStart(24, '0');
  };
}

// --- time --------------------------------------------------------------------------------------------------------------

/** A world that does so much never comes to rest. The busiest schedules need a tenth of it. */
const mostEvents = 60_000;

/** Until an instant of wall time, or until the world turns out to be restless. */
function passTo(world: World, wallMs: number): Promise<void> {
  return world.loop.passTo(world.time.monotonicMs() + (wallMs - world.time.wallMs()), () => {
    world.events += 1;
    return isRestless(world) ? 'stop' : 'go on';
  });
}

function sampleEvery(world: World): void {
  world.time.after(sampleMs, () => {
    sampleEvery(world);
    sample(world);
  });
}

function isRestless({ events }: World): boolean {
  return events >= mostEvents;
}

function sample({ setup, tempers, monitor }: World): void {
  for (const device of setup.devices) {
    monitor.sample(device, {
      temperature: readingOf('temperature', tempers.get(`${device} temperature`)),
      humidity: readingOf('humidity', tempers.get(`${device} humidity`)),
    });
  }
}

function readingOf(metric: MetricName, temper: Temper = 'calm'): number {
  return limits[metric][temper];
}

// --- what happens --------------------------------------------------------------------------------------------------------

function act(world: World, step: Step): void {
  const { time, network, chronicle, services, disks, monitor, handler, components, setup, tempers } = world;
  const service = services[chronicle.served.service];
  if (service === undefined) return;
  /** Undoes it after a while, or when all trouble ends. */
  const undo = (forMs: number, what: () => void) => {
    const leftMs = startMs + troubleEndsMs - time.wallMs();
    time.after(Math.max(0, Math.min(forMs, leftMs)), what);
  };
  switch (step.do) {
    case 'temper':
      tempers.set(`${setup.devices[step.device]} ${step.metric}`, step.temper);
      return;
    case 'crash': {
      if (step.lateMs !== undefined) {
        service.faults.add({ kind: 'cut-then-commit', count: 1, delayMs: step.lateMs });
      }
      // A person who restores a backup takes longer than a request may.
      const downMs = step.who === 'handler' && step.survival === 'backup' ? settleFor(step.downMs) : step.downMs;
      // A machine that reboots, or a store that is lost, forgets how wrong the clock was: no stamp can be put right then.
      const knowsTime = step.who === 'handler' || monitor.isClockRight();
      // Nor may a store be lost before the handler has heard when it was truly made: the next one might look older.
      const isTimeTold = step.who === 'handler' || monitor.isRightTimeTold();
      const survival = isTimeTold ? step.survival : 'committed';
      components[step.who].arm({ ...step, downMs, survival, reboot: step.reboot && knowsTime });
      return;
    }
    case 'stop':
      components[step.who].stop(step.downMs);
      return;
    case 'back-up':
      disks[step.who].backUp();
      if (step.who === 'monitor') monitor.backedUp();
      return;
    case 'offline': {
      const who = step.who === 'both' ? (['monitor', 'handler'] as const) : [step.who];
      for (const name of who) network.setOnline(name, false);
      undo(step.forMs, () => {
        for (const name of who) network.setOnline(name, true);
      });
      return;
    }
    case 'network':
      network.weather = step.weather;
      undo(step.forMs, () => {
        network.weather = fairWeather;
      });
      return;
    case 'unreachable':
      service.unreachable = step.code;
      undo(step.forMs, () => {
        service.unreachable = undefined;
      });
      return;
    case 'fault': {
      const id = service.faults.add(step.fault);
      undo(step.forMs, () => void service.faults.remove(id));
      return;
    }
    case 'password': {
      const changed = { username: 'greengrass', password: `${secretMark}${time.monotonicMs()}` };
      for (const each of services) each.accepted = changed;
      undo(step.secretAfterMs, () => {
        handler.secret = changed;
      });
      return;
    }
    case 'disk-full':
      disks[step.who].isFull = true;
      undo(step.forMs, () => {
        disks[step.who].isFull = false;
      });
      return;
    case 'person':
      work(world, step.what, step.row);
      return;
    case 'silence':
      handler.silence(step.device === undefined ? undefined : setup.devices[step.device], step.forMs);
      return;
    case 'end-silence':
      handler.endSilences();
      return;
    case 'redrive':
      handler.redrive();
      return;
    case 'clock-right':
      if (chronicle.clockRightAtMs === startMs && setup.clockErrorMs !== 0) {
        monitor.setClockRight();
        chronicle.clockRightAtMs = time.wallMs();
      }
      return;
    case 'change-instance':
      components.handler.stop(1_000, () => {
        chronicle.served = { service: 1, sinceMs: time.wallMs() };
      });
      return;
  }
}

const settleFor = (downMs: number) => Math.max(downMs, 40_000);

const changes: Readonly<Record<Exclude<PersonAct, 'delete'>, Readonly<Record<string, string>>>> = {
  resolve: { state: '6', close_code: 'Solution provided', close_notes: 'Opened a window.' },
  close: { state: '7', close_code: 'Solution provided', close_notes: 'Done.' },
  cancel: { state: '8' },
  hold: { state: '3', hold_reason: '1' },
  work: { state: '2' },
  reassign: { assigned_to: 'a'.repeat(32), short_description: 'Looked at by me' },
};

/** A person at the incident list. What is over for them (resolved, closed, canceled) they leave, but for closing it. */
function work({ services, chronicle, time }: World, what: PersonAct, pick: number): void {
  const { service: index } = chronicle.served;
  const service = services[index];
  const rows = (service?.rows('incident') ?? []).filter((row) => row['correlation_id'] !== '');
  const row = rows[rows.length === 0 ? 0 : pick % rows.length];
  const sysId = row?.['sys_id'];
  if (service === undefined || row === undefined || sysId === undefined) return;
  const isOver = row['state'] === '7' || row['state'] === '8' || (row['state'] === '6' && what !== 'close');
  if (isOver && what !== 'delete') return;
  const atMs = time.wallMs();
  if (what === 'delete') {
    const journal = service.rows('sys_journal_field').filter((entry) => entry['element_id'] === sysId);
    chronicle.deleted.push({ service: index, row, journal, atMs, heard: service.heard(sysId) });
    service.person('DELETE', sysId);
  } else service.person('PATCH', sysId, changes[what]);
  const after = service.rows('incident').find((one) => one['sys_id'] === sysId);
  chronicle.deeds.push({ service: index, sysId, what, atMs, modCount: Number(after?.['sys_mod_count'] ?? Number.NaN) });
}

/** All trouble is over. What is down comes back by itself. */
function heal(world: World): void {
  const { time, network, services, handler, monitor, chronicle, disks, components, setup } = world;
  network.weather = fairWeather;
  for (const name of ['monitor', 'handler'] as const) {
    network.setOnline(name, true);
    disks[name].isFull = false;
    components[name].disarm();
  }
  for (const service of services) {
    service.unreachable = undefined;
    service.faults.clear();
    handler.secret = service.accepted;
  }
  if (setup.clockErrorMs !== 0 && !monitor.isClockRight()) {
    monitor.setClockRight();
    chronicle.clockRightAtMs = time.wallMs();
  }
}

/** A person who sees to it that nothing is held up: lifts silences, redrives what was refused. */
function lookAfter({ handler, chronicle }: World): void {
  handler.endSilences();
  handler.redrive();
  if (chronicle.deleted.length > 0) handler.trustEmpty();
}

function findingsOf(world: World): readonly Finding[] {
  if (isRestless(world)) return [{ invariant: 'it comes to rest', what: `more than ${mostEvents} events` }];
  const { chronicle, services, monitor, handler, disks } = world;
  return judge({ chronicle, services, monitor, handler, disks: Object.values(disks) });
}

function outcomeOf({ chronicle, services, components, network }: World): Omit<Outcome, 'findings'> {
  return {
    chronicle,
    crashes: components.monitor.crashes() + components.handler.crashes(),
    faults: network.faults() + services.reduce((sum, service) => sum + service.struck(), 0),
    incidents: services.reduce(
      (sum, service) => sum + service.rows('incident').filter((row) => row['correlation_id'] !== '').length,
      0,
    ),
    breaches: chronicle.truth.breaches().length,
    requests: services.reduce((sum, service) => sum + service.requests(), 0),
  };
}
