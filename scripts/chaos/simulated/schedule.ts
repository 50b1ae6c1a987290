import { seededRandom } from '../../../device/platform/random.ts';
import type { FaultInput } from '../../../device/simulation/servicenow/faults.ts';
import type { Survival } from './disk.ts';
import type { Crossing } from './life.ts';
import { fairWeather, type NetworkWeather } from './network.ts';

export type ComponentName = 'monitor' | 'handler';
export type MetricName = 'temperature' | 'humidity';

/** Temper of a metric: far beyond its limit, within its deadband, or far from it. */
export type Temper = 'hot' | 'dip' | 'calm';

/** What happens, and when: ms since the beginning of the world. */
export type Step = { atMs: number } & (
  | { do: 'temper'; device: number; metric: MetricName; temper: Temper }
  | {
      do: 'crash';
      who: ComponentName;
      at: Crossing | 'now';
      skip: number;
      downMs: number;
      survival: Survival;
      reboot: boolean;
      /** The write that it strikes is cut, and committed so much later. */
      lateMs?: number;
    }
  | { do: 'stop'; who: ComponentName; downMs: number }
  | { do: 'back-up'; who: ComponentName }
  | { do: 'offline'; who: ComponentName | 'both'; forMs: number }
  | { do: 'network'; weather: NetworkWeather; forMs: number }
  | { do: 'unreachable'; code: 'ECONNREFUSED' | 'ENOTFOUND'; forMs: number }
  | { do: 'fault'; fault: FaultInput; forMs: number }
  | { do: 'password'; secretAfterMs: number }
  | { do: 'disk-full'; who: ComponentName; forMs: number }
  | { do: 'person'; what: PersonAct; row: number }
  | { do: 'silence'; device: number | undefined; forMs: number }
  | { do: 'end-silence' }
  | { do: 'redrive' }
  | { do: 'clock-right' }
  | { do: 'change-instance' }
);

export type PersonAct = 'resolve' | 'close' | 'cancel' | 'hold' | 'work' | 'reassign' | 'delete';

/** How a world is made. */
export interface Setup {
  /** The first one alone, read by the monitor itself; or several that are heard through a gateway. */
  devices: readonly string[];
  gateway: boolean;
  charts: boolean;
  stormKeys: number;
  deviceSilentMs: number;
  quietMs: number;
  reopenWindowMs: number;
  maxNewPerHour: number;
  /** Error of the monitor's clock until `clock-right`, ms: below 0 it is behind, as that of a Pi after its start; 0: it is right. */
  clockErrorMs: number;
}

export interface Schedule {
  seed: number;
  setup: Setup;
  steps: readonly Step[];
}

export const limits = {
  temperature: { upper: 30, deadband: 0.5, calm: 20, dip: 29.8, hot: 35 },
  humidity: { upper: 50, deadband: 2, calm: 40, dip: 49, hot: 70 },
} as const satisfies Record<MetricName, object>;

export const metricNames: readonly MetricName[] = ['temperature', 'humidity'];

const secondMs = 1_000;
const minuteMs = 60_000;
/** From here on nothing goes wrong any more. */
export const troubleEndsMs = 5 * minuteMs;
/** The settle time that an empty store keeps has passed. */
const troubleBeginsMs = 5 * secondMs;
export const settleMs = 15 * secondMs;

type Draw = ReturnType<typeof drawing>;

function drawing(random: () => number) {
  const below = (end: number) => Math.floor(random() * end);
  return {
    random,
    below,
    chance: (probability: number) => random() < probability,
    pick: <T>(...from: readonly [T, ...T[]]): T => from[below(from.length)] ?? from[0],
    between: (from: number, to: number) => from + below(to - from + 1),
  };
}

type StepKind = Step['do'];
/** What a schedule must have: a kind of trouble, or a trait of its setup; `calm` has no trouble at all. */
export type Focus =
  | StepKind
  | 'loss-of-store'
  | 'loss-of-messages'
  | 'late-commit'
  | 'dropped-query'
  | 'charts'
  | 'storm'
  | 'wrong-clock'
  | 'calm';

/** Kinds of trouble, and how many of each a schedule that has it gets at most. */
const troubles: readonly (readonly [StepKind, number, number])[] = [
  ['crash', 0.75, 4],
  ['stop', 0.2, 2],
  ['back-up', 0.15, 2],
  ['offline', 0.3, 3],
  ['network', 0.5, 3],
  ['unreachable', 0.25, 2],
  ['fault', 0.8, 6],
  ['password', 0.1, 1],
  ['disk-full', 0.15, 2],
  ['person', 0.4, 4],
  ['silence', 0.25, 2],
  ['end-silence', 0.1, 1],
  ['redrive', 0.2, 2],
  ['change-instance', 0.05, 1],
];

/** The schedule of a seed: each has some kinds of trouble and not the others, so that rare combinations come up often. */
export function scheduleOf(seed: number, focus: readonly Focus[] = []): Schedule {
  const draw = drawing(seededRandom(seed));
  const setup = drawSetup(draw, focus);
  const isCalm = draw.chance(0.1) || focus.includes('calm');
  const steps: Step[] = [...tempers(draw, setup)];
  for (const [kind, probability, most] of troubles) {
    if (!draw.chance(probability) && !focus.includes(kind)) continue;
    // Of what people end nothing is told any more, so its times stay as the wrong clock had them.
    if (isCalm || (kind === 'person' && setup.clockErrorMs !== 0)) continue;
    for (let count = draw.between(1, most); count > 0; count -= 1) {
      steps.push(drawStep(draw, kind, { setup, focus }, draw.between(troubleBeginsMs, troubleEndsMs - 20 * secondMs)));
    }
  }
  if (setup.clockErrorMs !== 0) {
    steps.push({ atMs: draw.between(30 * secondMs, troubleEndsMs - minuteMs), do: 'clock-right' });
  }
  return { seed, setup, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

function drawSetup(draw: Draw, focus: readonly Focus[]): Setup {
  const gateway = draw.chance(0.4) || focus.includes('storm');
  const storms = gateway && (draw.chance(0.5) || focus.includes('storm'));
  const count = storms ? 4 : gateway ? draw.between(1, 2) : 1;
  return {
    devices: Array.from({ length: count }, (_, index) => `device-${index + 1}`),
    gateway,
    charts: draw.chance(0.4) || focus.includes('charts'),
    stormKeys: storms ? draw.between(1, 2) : 1_000,
    deviceSilentMs: draw.chance(0.2) ? 90 * secondMs : 0,
    quietMs: draw.chance(0.03) ? 0 : draw.pick(20 * secondMs, minuteMs),
    // Longer than any component is down: a breach whose monitor lost its store comes back to its incident.
    reopenWindowMs: draw.pick(3 * minuteMs, 10 * minuteMs, 60 * minuteMs),
    maxNewPerHour: 1_000,
    clockErrorMs: draw.chance(0.1) || focus.includes('wrong-clock') ? drawClockError(draw) : 0,
  };
}

function drawClockError(draw: Draw): number {
  const errorMs = draw.between(60 * minuteMs, 3 * 24 * 60 * minuteMs);
  return draw.chance(0.3) ? errorMs : -errorMs;
}

/** Each metric of each device goes over its limit and back, some of them at the same time. */
function tempers(draw: Draw, setup: Setup): Step[] {
  const steps: Step[] = [];
  const storm =
    setup.stormKeys < 1_000 && draw.chance(0.8) ? draw.between(30 * secondMs, troubleEndsMs / 2) : undefined;
  for (const device of setup.devices.keys()) {
    for (const metric of ['temperature', 'humidity'] as const) {
      if (metric === 'humidity' && (storm !== undefined || draw.chance(0.5))) continue;
      const pace = draw.pick(20 * secondMs, 40 * secondMs, 90 * secondMs);
      let temper: Temper = 'calm';
      for (
        let atMs = draw.between(0, 3 * minuteMs);
        atMs < troubleEndsMs;
        atMs += draw.between(5 * secondMs, 2 * pace)
      ) {
        temper =
          temper === 'calm' ? 'hot' : draw.chance(0.15) ? 'dip' : temper === 'dip' && draw.chance(0.5) ? 'hot' : 'calm';
        steps.push({ atMs, do: 'temper', device, metric, temper });
      }
      if (draw.chance(0.7)) steps.push({ atMs: troubleEndsMs, do: 'temper', device, metric, temper: 'calm' });
    }
    if (storm !== undefined) {
      steps.push({
        atMs: storm + draw.below(20 * secondMs),
        do: 'temper',
        device,
        metric: 'temperature',
        temper: 'hot',
      });
    }
  }
  return steps;
}

function drawStep(
  draw: Draw,
  kind: StepKind,
  { setup, focus }: { setup: Setup; focus: readonly Focus[] },
  atMs: number,
): Step {
  const who = draw.pick<ComponentName>('monitor', 'handler', 'handler');
  switch (kind) {
    case 'crash':
      return drawCrash(draw, focus, who, atMs);
    case 'stop':
      return { atMs, do: kind, who, downMs: draw.between(1, 30 * secondMs) };
    case 'back-up':
      return { atMs, do: kind, who };
    case 'offline':
      return {
        atMs,
        do: kind,
        who: draw.pick<ComponentName | 'both'>('monitor', 'handler', 'both'),
        forMs: drawMs(draw),
      };
    case 'network':
      return {
        atMs,
        do: kind,
        weather: drawWeather(draw, focus.includes('loss-of-messages') ? 1 : 0.7),
        forMs: draw.between(secondMs, 2 * minuteMs),
      };
    case 'unreachable':
      return { atMs, do: kind, code: draw.pick('ECONNREFUSED', 'ENOTFOUND'), forMs: drawMs(draw) };
    case 'password':
      return { atMs, do: kind, secretAfterMs: draw.between(0, minuteMs) };
    case 'disk-full':
      return { atMs, do: kind, who, forMs: drawMs(draw) };
    case 'person':
      return {
        atMs,
        do: kind,
        what: draw.pick<PersonAct>('resolve', 'resolve', 'close', 'cancel', 'hold', 'work', 'reassign', 'delete'),
        row: draw.below(8),
      };
    case 'silence':
      return {
        atMs,
        do: kind,
        device: draw.chance(0.3) ? undefined : draw.below(setup.devices.length),
        forMs: draw.between(10 * secondMs, 3 * minuteMs),
      };
    case 'fault':
      return { atMs, do: kind, fault: drawFault(draw, focus), forMs: drawMs(draw) };
    default:
      return { atMs, do: kind } as const satisfies { atMs: number; do: StepKind } as Step;
  }
}

function drawMs(draw: Draw): number {
  return draw.pick(draw.between(1, 5 * secondMs), draw.between(1, 2 * minuteMs));
}

const crossings: readonly [Crossing, ...Crossing[]] = [
  { port: 'commit', when: 'before' },
  { port: 'commit', when: 'after' },
  { port: 'publish', when: 'before' },
  { port: 'publish', when: 'after' },
  { port: 'request', when: 'before' },
  { port: 'request', when: 'after' },
  { port: 'write', when: 'before' },
  { port: 'write', when: 'after' },
];

function drawCrash(draw: Draw, focus: readonly Focus[], who: ComponentName, atMs: number): Step {
  if (who === 'handler' && draw.chance(focus.includes('late-commit') ? 1 : 0.15)) {
    const survival = focus.includes('loss-of-store') ? 'nothing' : 'committed';
    const soon = { skip: 0, downMs: draw.between(0, 2 * secondMs), survival, reboot: false } as const;
    const lateMs = draw.between(3 * secondMs, settleMs - 2 * secondMs);
    return { atMs, do: 'crash', who, at: { port: 'write', when: 'after' }, ...soon, lateMs };
  }
  const survival = draw.chance(focus.includes('loss-of-store') ? 0.8 : 0.12)
    ? draw.pick<Survival>('nothing', 'nothing', 'backup')
    : draw.pick<Survival>('committed', 'committed', 'synced');
  return {
    atMs,
    do: 'crash',
    who,
    at: draw.chance(0.25) ? 'now' : draw.pick(...crossings),
    skip: draw.below(6),
    downMs: draw.chance(0.7) ? draw.between(0, 3 * secondMs) : draw.between(0, minuteMs),
    survival,
    reboot: survival === 'synced' || draw.chance(0.2),
  };
}

function drawWeather(draw: Draw, lossy: number): NetworkWeather {
  return {
    loss: draw.chance(lossy) ? draw.random() * 0.7 : 0,
    duplicates: draw.chance(0.5) ? draw.random() * 0.5 : 0,
    ackLoss: draw.chance(0.3) ? draw.random() * 0.5 : 0,
    longestDelayMs: draw.pick(fairWeather.longestDelayMs, secondMs, 20 * secondMs),
  };
}

function drawFault(draw: Draw, focus: readonly Focus[]): FaultInput {
  if (focus.includes('dropped-query')) return { kind: 'drop-query-parts' };
  const probability = draw.pick(0.3, 0.7, 1);
  const count = draw.pick(1, 1, 2, 5);
  const late = { delayMs: draw.between(1, settleMs - 2 * secondMs) };
  return draw.pick<FaultInput>(
    { kind: 'commit-then-cut', probability, count },
    { kind: 'cut-then-commit', probability, count, ...late },
    { kind: 'cut-then-commit', probability, count, ...late },
    { kind: 'cut-then-commit', probability, count, ...late, match: { method: 'POST', table: 'incident' } },
    { kind: 'cut-then-commit', probability, count, ...late, match: { method: 'PATCH' } },
    { kind: 'cut-before-commit', probability, count },
    { kind: 'slow', probability, count, delayMs: draw.between(secondMs, settleMs - 5 * secondMs) },
    { kind: 'status', status: draw.pick(500, 502, 503), probability, count },
    { kind: 'status', status: 429, retryAfterSeconds: draw.between(1, 60), probability, count },
    { kind: 'status', status: 403, probability, count, match: { method: 'GET' } },
    { kind: 'truncated-body', probability, count },
    { kind: 'malformed-body', probability, count },
    { kind: 'hibernate', probability, count },
    { kind: 'create-without-read' },
    { kind: 'drop-query-parts', probability },
    { kind: 'business-rule', probability, count },
    { kind: 'data-policy', probability, count },
  );
}
