import { describe, expect, test } from 'vitest';
import { audit, strictPolicy } from './audit.ts';
import type { Breach } from './breach.ts';
import { breachFrom, emptyInstance, teller } from './told-fixture.ts';

const since = breachFrom(60, null).startedAtMs;

function judged(told: readonly Breach[], truth: readonly Breach[], sinceMs = since) {
  const instance = emptyInstance();
  const write = teller(instance);
  for (const breach of told) write.tell(breach);
  const { ok, lost, duplicates, underway } = audit({
    breaches: truth,
    ...instance,
    policy: { ...strictPolicy, sinceMs },
  });
  return { ok, lost, duplicates, underway };
}

const well = { ok: true, lost: [], duplicates: [], underway: [] };

describe('what began before the readings are known', () => {
  test.each([
    ['is over', breachFrom(10, 20)],
    ['ends later', breachFrom(10, 70)],
    ['lasts', breachFrom(10, null)],
  ])('need not be found in them: it %s', (_case, told) => {
    expect(judged([told], [])).toEqual(well);
    expect(judged([told], [], breachFrom(10, null).startedAtMs)).toMatchObject({ ok: false });
  });

  test.each([
    ['both last', breachFrom(10, null), breachFrom(60, null)],
    ['both end', breachFrom(10, 70), breachFrom(60, 70)],
    ['its end is not told yet', breachFrom(10, null), breachFrom(60, 70)],
    ['it was in its deadband at first', breachFrom(10, 70), breachFrom(65, 70)],
  ])('may go on in the first breach of its key, with its own start: %s', (_case, told, truth) => {
    expect(judged([told], [truth])).toEqual(well);
  });

  test('tells of no breach that begins after its end, of no second one, and of no other key', () => {
    const later = breachFrom(80, 90);
    expect(judged([breachFrom(10, 70)], [later]).lost).toEqual([later]);
    expect(judged([breachFrom(10, 70)], [breachFrom(60, 70), later]).lost).toEqual([later]);
    const humid = breachFrom(60, 70, { metric: 'humidity' });
    expect(judged([breachFrom(10, 70)], [humid]).lost).toEqual([humid]);
  });

  test('by a clock that jumped back is judged as ever, for it begins as a known breach does', () => {
    const jumped = breachFrom(10, 20);
    expect(judged([jumped], [jumped])).toEqual(well);
    expect(judged([jumped, jumped], [jumped])).toMatchObject({ ok: false, duplicates: [{}] });
  });
});

test.each([
  ['open though it is over', breachFrom(10, 20), '2', 'wronglyOpen'],
  ['resolved though it is told as lasting', breachFrom(10, null), '6', 'wronglyResolved'],
] as const)(
  'an incident of the time before may be left %s: other settings may have held',
  (_case, breach, state, finding) => {
    const instance = emptyInstance();
    const write = teller(instance);
    const { row, id } = write.tell(breach);
    if (state === '6') write.resolved(row, breach, id);
    row.state = state;
    const judge = (sinceMs: number) =>
      audit({ breaches: [], ...instance, policy: { ...strictPolicy, settledUntilMs: since, sinceMs } });
    expect(judge(since)).toMatchObject({ ok: true });
    expect(judge(strictPolicy.sinceMs)[finding]).toHaveLength(1);
  },
);

test('what began since is judged as ever', () => {
  const breach = breachFrom(70, 80);
  expect(judged([breach], [breach])).toEqual(well);
  expect(judged([breach], [])).toMatchObject({ ok: false });
  expect(judged([], [breach]).lost).toEqual([breach]);
  expect(judged([breach, breach], [breach]).duplicates).toHaveLength(1);
});
