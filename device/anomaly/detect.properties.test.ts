import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detect, initialDetection, noDataDueMs, parseDetection, type RuleSet, rebaseMonotonic } from './detect.ts';
import type { DetectionInput, Transition } from './detection.ts';
import { rulesOf, wallMs } from './detection-trace.ts';

/** A reading of a device: how long after the one before, and its value. */
type Step = readonly [afterMs: number, value: number];

/** Durations are of one grain, and values few, so that instants and limits are met exactly and often. */
const grains = (min: number, max: number) => fc.integer({ min, max }).map((count) => count * 50);
const value = fc.integer({ min: 26, max: 34 });
const noData = { afterMs: 5_000 };
const steps = fc.array(fc.tuple(grains(1, 70), value), { maxLength: 60 });
/** With a silence now and then. */
const gappySteps = fc.array(
  fc.tuple(fc.oneof({ weight: 11, arbitrary: grains(1, 70) }, { weight: 1, arbitrary: grains(90, 500) }), value),
  { maxLength: 60 },
);
const limits = fc.record({
  deadband: fc.integer({ min: 0, max: 3 }),
  onDelayMs: grains(0, 200),
  offDelayMs: grains(0, 200),
});

/** Every rule there is, fast enough for traces of two minutes. */
const everyRule = fc.record({ limits, updateIntervalMs: grains(100, 300) }).map(({ limits: given, updateIntervalMs }) =>
  rulesOf({
    noData,
    anomaly: { updateIntervalMs },
    thresholds: {
      t: {
        ...given,
        upper: 31,
        lower: 29,
        tiers: [{ beyond: 2, severity: 'critical' }],
        rateOfChange: { perMinute: 60, windowMs: 2_000 },
        stuck: { afterMs: 3_000, tolerance: 3 },
        ewma: { halfLifeMs: 5_000, warmUpMs: 5_000, deviations: 1 },
      },
    },
  }),
);

interface Told extends Transition {
  monotonicMs: number;
}

/** The readings with a tick wherever the monitor would send one: when it is due, and a reading that comes then first. */
function inputsOf(trace: readonly Step[]): DetectionInput[] {
  let at = 0;
  return trace.flatMap(([afterMs, value]) => {
    const due = at + noData.afterMs;
    at += afterMs;
    const reading: DetectionInput = { kind: 'reading', atMs: wallMs + at, monotonicMs: at, metrics: { t: value } };
    return due < at && due > noData.afterMs
      ? [{ kind: 'tick', atMs: wallMs + due, monotonicMs: due }, reading]
      : [reading];
  });
}

function run(rules: RuleSet, inputs: readonly DetectionInput[]): Told[] {
  let state = initialDetection();
  return inputs.flatMap((input) => {
    const detected = detect(rules, state, input);
    state = detected.state;
    return detected.transitions.map((told) => ({ ...told, monotonicMs: input.monotonicMs }));
  });
}

describe('a second model, that knows the whole trace', () => {
  interface Span {
    started: number;
    fired: number;
    ended: number | null;
    resolved: number | null;
    peak: number;
  }

  interface Point {
    at: number;
    value: number;
  }

  interface Limits {
    deadband: number;
    onDelayMs: number;
    offDelayMs: number;
  }

  /** Looks ahead from each first breach for where it fires, and from there for a clear that nothing breaks. */
  function spansAbove(limit: number, { deadband, onDelayMs, offDelayMs }: Limits, points: readonly Point[]): Span[] {
    const breaches = ({ value }: Point) => value > limit;
    const clears = ({ value }: Point) => value <= limit - deadband;
    const start = points.findIndex(breaches);
    const first = points[start];
    if (first === undefined) return [];
    const later = (from: number, holds: (point: Point) => boolean) => {
      const index = points.findIndex((point, at) => at >= from && holds(point));
      return index < 0 ? points.length : index;
    };
    const firstClear = later(start, clears);
    const fire = later(start, ({ at }) => at - first.at >= onDelayMs);
    const restFrom = (index: number) => spansAbove(limit, { deadband, onDelayMs, offDelayMs }, points.slice(index));
    const fired = points[fire];
    if (fired === undefined || fire >= firstClear) return restFrom(firstClear);

    let clear = firstClear;
    for (;;) {
      const ended = points[clear];
      const relapse = later(clear, breaches);
      const over = later(clear, ({ at }) => ended !== undefined && at - ended.at >= offDelayMs);
      const resolved = points[over];
      const done = ended !== undefined && resolved !== undefined && over < relapse;
      if (done || relapse === points.length) {
        const lasted = points.slice(start, done ? over + 1 : points.length);
        const peak = Math.max(...lasted.map(({ value }) => value));
        const span = { started: first.at, fired: fired.at, peak };
        return done
          ? [{ ...span, ended: ended.at, resolved: resolved.at }, ...restFrom(over + 1)]
          : [{ ...span, ended: null, resolved: null }];
      }
      clear = later(relapse, clears);
    }
  }

  /** The same from what was told. */
  function spansTold(told: readonly Told[]): Span[] {
    const spans: Span[] = [];
    for (const { phase, startedAtMs, endedAtMs, monotonicMs, peak } of told) {
      const started = startedAtMs - wallMs;
      if (phase === 'firing')
        spans.push({ started, fired: monotonicMs, ended: null, resolved: null, peak: peak ?? Number.NaN });
      const last = spans.at(-1);
      if (phase !== 'resolved' || last === undefined) continue;
      Object.assign(last, { ended: (endedAtMs ?? Number.NaN) - wallMs, resolved: monotonicMs, peak });
    }
    return spans;
  }

  const points = (trace: readonly Step[]): Point[] => {
    let at = 0;
    return trace.map(([afterMs, value]) => {
      at += afterMs;
      return { at, value };
    });
  };
  const isEnded = ({ resolved }: Span) => resolved !== null;
  const unfinished = (spans: readonly Span[]) =>
    spans.filter((span) => !isEnded(span)).map(({ started, fired }) => ({ started, fired }));

  test.each(['upper', 'lower'] as const)('agrees on every breach of rule %s, silences between', (rule) => {
    fc.assert(
      fc.property(gappySteps, limits, (trace, given) => {
        const rules = rulesOf({ noData, thresholds: { t: { ...given, [rule]: 30 } } });
        const told = spansTold(run(rules, inputsOf(trace)).filter((transition) => transition.rule === rule));
        const mirror = rule === 'upper' ? 1 : -1;
        const mirrored = points(trace).map(({ at, value }) => ({ at, value: value * mirror }));
        const expected = spansAbove(30 * mirror, given, mirrored).map((span) => ({
          ...span,
          peak: span.peak * mirror,
        }));
        expect(told.filter(isEnded)).toEqual(expected.filter(isEnded));
        expect(unfinished(told)).toEqual(unfinished(expected));
      }),
      { numRuns: 500 },
    );
  });

  test('agrees on every silence', () => {
    fc.assert(
      fc.property(gappySteps, (trace) => {
        const told = run(rulesOf({ noData, thresholds: {} }), inputsOf(trace));
        const expected = points(trace).flatMap(({ at }, index, all) => {
          const last = all[index - 1]?.at ?? at;
          return at - last <= noData.afterMs
            ? []
            : [`${last} fired ${last + noData.afterMs}`, `${last} resolved ${at}`];
        });
        expect(
          told.map(
            ({ phase, startedAtMs, monotonicMs }) =>
              `${startedAtMs - wallMs} ${phase === 'firing' ? 'fired' : phase} ${monotonicMs}`,
          ),
        ).toEqual(expected);
      }),
    );
  });
});

describe('whatever the readings', () => {
  test('of each rule what is told goes firing, updated…, resolved, with one start, and no sooner than the on-delay', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(gappySteps, everyRule, (trace, rules) => {
        const open = new Map<string, Told>();
        for (const told of run(rules, inputsOf(trace))) {
          const before = open.get(told.rule);
          expect(before === undefined).toBe(told.phase === 'firing');
          expect(told.startedAtMs).toBe(before?.startedAtMs ?? told.startedAtMs);
          expect(told.endedAtMs === null).toBe(told.phase !== 'resolved');
          seen.add(`${told.rule} ${told.phase}`);
          if (told.phase === 'resolved') open.delete(told.rule);
          else open.set(told.rule, told);
          if (told.phase !== 'firing') continue;
          const { onDelayMs = 0 } = rules.metrics.find(({ detector }) => detector.rule === told.rule) ?? {};
          expect(told.atMs - told.startedAtMs).toBeGreaterThanOrEqual(onDelayMs);
        }
      }),
      // The seed is given, so that what was seen does not hang on luck.
      { numRuns: 300, seed: 1 },
    );
    for (const rule of ['upper', 'lower', 'rate-of-change', 'stuck', 'ewma', 'no-data']) {
      expect(seen).toContain(`${rule} firing`);
      expect(seen).toContain(`${rule} resolved`);
    }
  });

  test('updates of an unchanged severity keep their distance', () => {
    fc.assert(
      fc.property(steps, everyRule, (trace, rules) => {
        const last = new Map<string, Told>();
        for (const told of run(rules, inputsOf(trace))) {
          const before = last.get(told.rule);
          last.set(told.rule, told);
          if (told.phase !== 'updated' || before?.severity !== told.severity) continue;
          const { updateIntervalMs = 0 } = rules.metrics[0] ?? {};
          expect(told.monotonicMs - before.monotonicMs).toBeGreaterThanOrEqual(updateIntervalMs);
        }
      }),
    );
  });

  test('the wall clock decides nothing: with any stamps the same is told at the same readings', () => {
    const stamps = fc.infiniteStream(fc.integer({ min: 0, max: 4e12 }));
    fc.assert(
      fc.property(gappySteps, everyRule, stamps, (trace, rules, random) => {
        const inputs = inputsOf(trace);
        const stamped = inputs.map((input) => ({ ...input, atMs: random.next().value ?? 0 }));
        const timeless = (told: Told) => ({
          ...told,
          atMs: 0,
          startedAtMs: 0,
          endedAtMs: told.endedAtMs === null ? null : 0,
        });
        expect(run(rules, stamped).map(timeless)).toEqual(run(rules, inputs).map(timeless));
      }),
    );
  });

  test('a state that was saved and read at every step, and moved to other clocks, tells the same', () => {
    const shift = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(gappySteps, everyRule, shift, (trace, rules, byMs) => {
        let state = initialDetection();
        let offset = 0;
        const told = inputsOf(trace).flatMap((input) => {
          const detected = detect(rules, state, { ...input, monotonicMs: input.monotonicMs + offset });
          const read = parseDetection(JSON.parse(JSON.stringify(detected.state)));
          if (read === undefined) throw new Error('the state could not be read back');
          expect(read).toEqual(detected.state);
          offset += byMs;
          state = rebaseMonotonic(read, byMs);
          return detected.transitions.map((transition) => ({ ...transition, monotonicMs: input.monotonicMs }));
        });
        expect(told).toEqual(run(rules, inputsOf(trace)));
      }),
    );
  });

  test('a tick before it is due changes nothing, and one when it is due does', () => {
    fc.assert(
      fc.property(gappySteps, everyRule, (trace, rules) => {
        let state = initialDetection();
        for (const input of inputsOf(trace)) {
          state = detect(rules, state, input).state;
          const due = noDataDueMs(rules, state);
          const tick = (monotonicMs: number) => detect(rules, state, { kind: 'tick', atMs: 0, monotonicMs });
          expect(tick(due === undefined ? 1e12 : due - 1).state).toBe(state);
          expect(due === undefined ? 1 : tick(due).transitions.length).toBe(1);
        }
      }),
    );
  });
});
