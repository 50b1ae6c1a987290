import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../platform/random.ts';
import { planFaults } from './fault-plan.ts';
import { createFaults, type FaultInput, faultSchema, type Struck } from './faults.ts';

const request = (changes: Partial<Struck> = {}): Struck => ({
  method: 'POST',
  path: '/api/now/table/incident',
  table: 'incident',
  bodyText: () => '{"state":"6"}',
  ...changes,
});
const get = request({ method: 'GET' });

function engine(faults: readonly FaultInput[], random: () => number = () => 0) {
  const clock = { now: 0 };
  const made = createFaults({ monotonicMs: () => clock.now, random });
  for (const fault of faults) made.add(fault);
  return { faults: made, clock, kinds: (struck = request()) => made.strike(struck).map((fault) => fault.kind) };
}

describe('faults', () => {
  test('a fault with a count strikes that often and is counted after it was removed', () => {
    const { faults, kinds } = engine([{ kind: 'commit-then-cut', count: 2 }]);
    expect([kinds(), kinds(), kinds()]).toEqual([['commit-then-cut'], ['commit-then-cut'], []]);
    faults.clear();
    expect(faults.fired('commit-then-cut')).toBe(2);
  });

  test('a fault with a probability asks chance each time', () => {
    const chances = [0.29, 0.31, 0.1];
    const { kinds } = engine([{ kind: 'status', status: 503, probability: 0.3 }], () => chances.shift() ?? 1);
    expect([kinds(), kinds(), kinds(), kinds()]).toEqual([['status'], [], ['status'], []]);
  });

  test('a fault with a schedule strikes within it, from its start to before its end', () => {
    const { kinds, clock } = engine([{ kind: 'hibernate', between: { fromMs: 100, untilMs: 200 } }]);
    const at = (now: number) => {
      clock.now = now;
      return kinds().length;
    };
    expect([at(99), at(100), at(199), at(200)]).toEqual([0, 1, 1, 0]);
  });

  test('the list says which faults are in force', () => {
    const { faults, kinds, clock } = engine([
      { kind: 'hibernate', between: { fromMs: 100, untilMs: 200 } },
      { kind: 'slow', delayMs: 1, count: 1 },
    ]);
    const inForce = () => faults.list().map((state) => state.inForce);
    expect(inForce()).toEqual([false, true]);
    kinds();
    clock.now = 100;
    expect(inForce()).toEqual([true, false]);
    clock.now = 200;
    expect(inForce()).toEqual([false, false]);
    expect(faults.list().map((state) => state.fired)).toEqual([0, 1]);
  });

  test('the same seed makes the same requests fail', () => {
    const pattern = (seed: number) => {
      const { kinds } = engine([{ kind: 'status', status: 503, probability: 0.5 }], seededRandom(seed));
      return Array.from({ length: 40 }, () => kinds().length).join('');
    };
    expect(pattern(7)).toBe(pattern(7));
    expect(pattern(7)).not.toBe(pattern(8));
    expect(pattern(7)).toMatch(/01|10/);
  });

  test.each<[string, FaultInput, Struck, boolean]>([
    ['its method', { kind: 'status', status: 500, match: { method: 'patch' } }, request({ method: 'PATCH' }), true],
    ['another method', { kind: 'status', status: 500, match: { method: 'PATCH' } }, request(), false],
    ['its table', { kind: 'status', status: 500, match: { table: 'incident' } }, get, true],
    ['another table', { kind: 'status', status: 500, match: { table: 'sys_user' } }, get, false],
    ['its path', { kind: 'status', status: 500, match: { pathIncludes: '/table/' } }, get, true],
    ['another path', { kind: 'status', status: 500, match: { pathIncludes: 'oauth' } }, get, false],
    ['its body', { kind: 'business-rule', match: { bodyIncludes: '"state":"6"' } }, request(), true],
    ['another body', { kind: 'business-rule', match: { bodyIncludes: '"state":"7"' } }, request(), false],
    ['a read, where it is for writes', { kind: 'cut-before-commit' }, get, false],
    ['a read that it names', { kind: 'cut-before-commit', match: { method: 'GET' } }, get, true],
    ['a write, where it is for reads', { kind: 'create-without-read' }, request(), false],
  ])('a fault for %s', (_case, fault, struck, strikes) => {
    expect(engine([fault]).kinds(struck)).toHaveLength(strikes ? 1 : 0);
  });

  test('one fault of each stage strikes a request, the first that was added', () => {
    const { kinds, faults } = engine([
      { kind: 'slow', delayMs: 5 },
      { kind: 'status', status: 500, count: 1 },
      { kind: 'truncated-body' },
      { kind: 'create-without-read' },
      { kind: 'drop-query-parts' },
    ]);
    expect(kinds(get)).toEqual(['slow', 'status', 'create-without-read', 'drop-query-parts']);
    expect(kinds(get)).toEqual(['slow', 'truncated-body', 'create-without-read', 'drop-query-parts']);
    expect(faults.fired('truncated-body')).toBe(1);
  });

  test('a removed fault strikes no more', () => {
    const { faults, kinds } = engine([]);
    const id = faults.add({ kind: 'hibernate' });
    expect(faults.remove(id)).toBe(true);
    expect(faults.remove(id)).toBe(false);
    expect(kinds()).toEqual([]);
  });

  test.each([
    { kind: 'explode' },
    { kind: 'cut-then-commit' },
    { kind: 'hibernate', misspelt: 1 },
    { kind: 'hibernate', probability: 2 },
  ])('the schema refuses %j', (fault) => {
    expect(faultSchema.safeParse(fault).success).toBe(false);
  });

  test('a rate limit names its end and its rule only where it is asked to', () => {
    const plan = (fault: FaultInput) =>
      planFaults([faultSchema.parse(fault)], { table: 'incident', sysId: '' }, 10_500).outcome;
    expect(plan({ kind: 'status', status: 429, retryAfterSeconds: 30, limitPerHour: 7 })).toMatchObject({
      answer: {
        status: 429,
        headers: {
          'Retry-After': '30',
          'X-RateLimit-Limit': '7',
          'X-RateLimit-Reset': '41',
          'X-RateLimit-Rule': 'Table API limit',
        },
        body: {
          value: {
            error: {
              message: 'Rate limit exceeded',
              detail: 'Rate limit of 7 requests per hour for Table API exceeded',
            },
            status: 'failure',
          },
        },
      },
    });
    expect(plan({ kind: 'status', status: 429 })).toMatchObject({ answer: { status: 429, headers: {} } });
  });
});
