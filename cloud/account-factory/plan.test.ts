import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterStart,
  dependenciesOf,
  graphProblems,
  idOf,
  type Observation,
  type Plan,
  type PlannedProduct,
  type ProductState,
  planStep,
} from './plan.ts';

const product = (name: string, ...dependsOn: string[]): PlannedProduct => ({ account: '1', name, dependsOn });
const planOf = (products: readonly PlannedProduct[], maxIterations = 30): Plan => ({
  products: products.map((one) => ({ ...one, state: { kind: 'waiting' } })),
  iteration: 0,
  maxIterations,
});
const kinds = ({ products }: Plan) =>
  Object.fromEntries(products.map(({ name, state }): [string, string] => [name, state.kind]));
const known = (seen: Record<string, Observation>) => (id: string) => seen[id];
const there: Observation = { kind: 'there' };

/** Products of some accounts, each of which depends on those before it in its account alone. */
const acyclic = fc
  .array(
    fc.record({
      account: fc.constantFrom('1', '2', '3'),
      on: fc.array(fc.nat(), { maxLength: 4 }),
    }),
    { maxLength: 12 },
  )
  .map((drawn) => {
    const products: PlannedProduct[] = [];
    for (const [index, { account, on }] of drawn.entries()) {
      const before = products.filter((one) => one.account === account).map(({ name }) => name);
      const dependsOn = before.length === 0 ? [] : on.map((pick) => before[pick % before.length] ?? '');
      products.push({ account, name: `p${index}`, dependsOn });
    }
    return products;
  });

const observation = fc.oneof(
  fc.constant<Observation | undefined>(undefined),
  fc.constant<Observation>({ kind: 'changing' }),
  fc.constant<Observation>({ kind: 'there' }),
  fc.constant<Observation>({ kind: 'absent' }),
  fc.constant<Observation>({ kind: 'failed', why: 'broken' }),
);
const startAnswer = fc.constantFrom<'started' | 'later' | 'never'>('started', 'started', 'later', 'never');

test('the planner knows products, accounts and dependencies and nothing else', () => {
  expect(readFileSync(new URL('./plan.ts', import.meta.url), 'utf8')).not.toMatch(/^\s*import\b|\bimport\(|\bfrom '/m);
});

describe('what can never be there', () => {
  test.each([
    ['nothing twice, nothing unknown', [product('a'), product('b', 'a')], []],
    ['a name that is taken twice', [product('a'), product('a')], [{ kind: 'duplicate', id: '1-a' }]],
    [
      'a dependency that nobody has',
      [product('a', 'x')],
      [{ kind: 'unknown-dependency', id: '1-a', dependency: '1-x' }],
    ],
    ['a product that waits for itself', [product('a', 'a')], [{ kind: 'cycle', ids: ['1-a'] }]],
    [
      'a circle, and what waits for it',
      [product('z', 'a'), product('a', 'b'), product('b', 'c'), product('c', 'a')],
      [{ kind: 'cycle', ids: ['1-a', '1-b', '1-c'] }],
    ],
    [
      'a dependency of another account',
      [product('a'), { account: '2', name: 'b', dependsOn: ['a'] }],
      [{ kind: 'unknown-dependency', id: '2-b', dependency: '2-a' }],
    ],
  ] as const)('is %s', (_, products, problems) => {
    expect(graphProblems(products)).toEqual(problems);
  });

  test('is no dependency that is there already', () => {
    expect(graphProblems([product('a', 'x')], (id) => id === '1-x')).toEqual([]);
  });

  test('is nothing of a graph without circles, and a circle wherever an edge closes one', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (products, pick) => {
        expect(graphProblems(products)).toEqual([]);
        const last = products[products.length === 0 ? 0 : pick % products.length];
        if (last === undefined) return;
        // The first of a chain waits for its last one.
        const chain = [last];
        for (let at = last; ; ) {
          const before = products.find((one) => one.account === at.account && at.dependsOn.includes(one.name));
          if (before === undefined) break;
          chain.push(before);
          at = before;
        }
        const first = chain.at(-1);
        const closed = products.map((one) =>
          one === first ? { ...one, dependsOn: [...one.dependsOn, last.name] } : one,
        );
        const [problem] = graphProblems(closed);
        expect(problem?.kind).toBe('cycle');
        const ids = problem?.kind === 'cycle' ? problem.ids : [];
        const byId = new Map(closed.map((one) => [idOf(one), one]));
        for (const [index, id] of ids.entries()) {
          const one = byId.get(id);
          expect(one === undefined ? [] : dependenciesOf(one)).toContain(ids[(index + 1) % ids.length]);
        }
      }),
    );
  });
});

describe('a graph that can be there', () => {
  test('can no longer where a product that another depends on is left out, and that is all that is said', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (products, pick) => {
        const needed = products.filter((one) => products.some((other) => dependenciesOf(other).includes(idOf(one))));
        const removed = needed[needed.length === 0 ? 0 : pick % needed.length];
        if (removed === undefined) return;
        const left = products.filter((one) => one !== removed);
        const bereft = left.filter((one) => dependenciesOf(one).includes(idOf(removed)));
        expect(graphProblems(left)).toEqual(
          bereft.map((one) => ({ kind: 'unknown-dependency', id: idOf(one), dependency: idOf(removed) })),
        );
        expect(graphProblems(left, (id) => id === idOf(removed))).toEqual([]);
      }),
    );
  });
});

describe('a step', () => {
  test('starts what depends on nothing, then what depends on it', () => {
    const first = planStep(planOf([product('a'), product('b', 'a'), product('c', 'b')]), known({}));
    expect(first).toMatchObject({ start: ['1-a'], outcome: 'progress', plan: { iteration: 1 } });
    const second = planStep(first.plan, known({ '1-a': { kind: 'changing' } }));
    expect(second).toMatchObject({ start: [], outcome: 'progress', plan: { iteration: 2 } });
    const third = planStep(second.plan, known({ '1-a': there }));
    expect(third).toMatchObject({ start: ['1-b'], outcome: 'progress' });
  });

  test('skips all that depends on what failed, and goes on with the others', () => {
    const first = planStep(planOf([product('c', 'b'), product('b', 'a'), product('a'), product('d')]), known({}));
    expect(first.start).toEqual(['1-a', '1-d']);
    const { plan, outcome } = planStep(first.plan, known({ '1-a': { kind: 'failed', why: 'broken' }, '1-d': there }));
    expect(kinds(plan)).toEqual({ a: 'failed', b: 'skipped', c: 'skipped', d: 'done' });
    expect(outcome).toBe('partially-failed');
  });

  test.each([
    ['there', there, ['1-a'], { a: 'started' }, 'progress'],
    ['being changed', { kind: 'changing' }, [], { a: 'waiting' }, 'progress'],
    ['not known yet', undefined, [], { a: 'waiting' }, 'progress'],
    ['absent', { kind: 'absent' }, [], { a: 'skipped' }, 'failed'],
    ['failed', { kind: 'failed', why: 'broken' }, [], { a: 'skipped' }, 'failed'],
  ] as const)('takes a dependency outside of the plan that is %s for what it is', (_, seen, start, states, outcome) => {
    const step = planStep(planOf([product('a', 'x')]), (id) => (id === '1-x' ? seen : undefined));
    expect([step.start, kinds(step.plan), step.outcome]).toEqual([start, states, outcome]);
  });

  test('counts what was left out as the file says as no failure', () => {
    const [one] = planOf([product('a')]).products;
    const state: ProductState = { kind: 'skipped', why: 'not deployed there', meant: true };
    const plan = { ...planOf([]), products: one === undefined ? [] : [{ ...one, state }] };
    expect(planStep(plan, known({})).outcome).toBe('done');
  });

  test('at the last iteration ends what is open, and starts nothing', () => {
    const first = planStep(planOf([product('a'), product('b', 'a')], 1), known({}));
    const last = planStep(first.plan, known({ '1-a': { kind: 'changing' } }));
    expect([last.start, kinds(last.plan), last.outcome]).toEqual([[], { a: 'failed', b: 'skipped' }, 'timed-out']);
  });

  test('whatever is observed: each is started after all that it depends on, at most once, and all ends within the iterations', () => {
    fc.assert(
      fc.property(
        acyclic,
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(observation),
        fc.infiniteStream(startAnswer),
        (products, maxIterations, observations, answers) => {
          const startedOf = new Set<string>();
          let plan = planOf(products, maxIterations);
          for (let steps = 1; ; steps += 1) {
            const step = planStep(plan, () => observations.next().value);
            const state = new Map(step.plan.products.map((one) => [idOf(one), one.state.kind]));
            for (const id of step.start) {
              expect(startedOf).not.toContain(id);
              const one = step.plan.products.find((each) => idOf(each) === id);
              for (const dependency of one === undefined ? [] : dependenciesOf(one)) {
                expect(state.get(dependency)).toBe('done');
              }
            }
            if (step.outcome !== 'progress') {
              expect([...state.values()].filter((kind) => kind === 'waiting' || kind === 'started')).toEqual([]);
              expect(step.start).toEqual([]);
              return;
            }
            expect(steps).toBeLessThanOrEqual(maxIterations);
            const notStarted = new Map<string, 'later' | { why: string }>();
            for (const id of step.start) {
              const answer = answers.next().value;
              if (answer === 'started') startedOf.add(id);
              else notStarted.set(id, answer === 'later' ? 'later' : { why: 'refused' });
            }
            plan = afterStart(step.plan, notStarted);
          }
        },
      ),
    );
  });

  test('an account is planned as if it were alone', () => {
    fc.assert(
      fc.property(acyclic, fc.constantFrom('1', '2', '3'), (products, account) => {
        const run = (own: readonly PlannedProduct[]) => {
          const started: string[][] = [];
          let plan = planOf(own);
          for (let outcome = 'progress'; outcome === 'progress'; ) {
            const step = planStep(plan, (id) => (id.endsWith('3') ? { kind: 'failed', why: 'broken' } : there));
            started.push(step.start.filter((id) => id.startsWith(`${account}-`)));
            ({ plan, outcome } = step);
          }
          return started.filter((ids) => ids.length > 0);
        };
        expect(run(products)).toEqual(run(products.filter((one) => one.account === account)));
      }),
    );
  });

  test('where all goes well, all is done in as many steps as the longest chain has products, and one', () => {
    fc.assert(
      fc.property(acyclic, (products) => {
        const depth = (one: PlannedProduct): number =>
          1 +
          Math.max(
            0,
            ...products
              .filter((other) => other.account === one.account && one.dependsOn.includes(other.name))
              .map(depth),
          );
        const longest = Math.max(0, ...products.map(depth));
        let plan = planOf(products);
        let steps = 0;
        for (let outcome = 'progress'; outcome === 'progress'; steps += 1) {
          ({ plan, outcome } = planStep(plan, () => there));
        }
        expect(steps).toBe(longest + 1);
        expect(plan.products.every(({ state }) => state.kind === 'done')).toBe(true);
      }),
    );
  });
});
