import { describe, expect, test } from 'vitest';
import { createFaults, type FaultInput, faultSchema } from '../faults.ts';
import { faultsInForce, faultText } from './fault-texts.ts';

describe('a fault in words', () => {
  test.each<[FaultInput, string]>([
    [{ kind: 'hibernate' }, 'The instance hibernates: requests get its sleeping page'],
    [{ kind: 'slow', delayMs: 1_500 }, 'Answers come 1.5 s late'],
    [
      { kind: 'status', status: 429, match: { method: 'post', table: 'incident' }, probability: 0.125, count: 1 },
      'Requests are answered with status 429 (only requests POST of table incident; 12.5 % of requests; at most once)',
    ],
    [{ kind: 'drop-query-parts' }, 'All conditions of queries are ignored'],
    [{ kind: 'drop-query-parts', fields: ['state'] }, 'Conditions of queries on state are ignored'],
    [
      { kind: 'commit-then-cut', match: { pathIncludes: '/table/', bodyIncludes: 'hot' }, count: 3 },
      'Writes are committed, then the connection is cut (only requests with “/table/” in the path with “hot” in the body; at most 3 times)',
    ],
  ])('%o', (fault, text) => {
    expect(faultText(faultSchema.parse(fault))).toBe(text);
  });
});

test('a fault is in force within its time and until its count is used up', () => {
  let now = 1_000;
  const faults = createFaults({ monotonicMs: () => now, random: () => 0 });
  faults.add({ kind: 'hibernate', between: { fromMs: 100, untilMs: 200 } });
  faults.add({ kind: 'expire-token', count: 1 });
  const kinds = () => faultsInForce(faults, now).map(({ id }) => id);
  expect(kinds()).toEqual(['fault-2']);
  now = 1_100;
  expect(kinds()).toEqual(['fault-1', 'fault-2']);
  now = 1_200;
  expect(kinds()).toEqual(['fault-2']);
  faults.strike({ method: 'GET', path: '/', table: undefined, bodyText: () => '' });
  expect(kinds()).toEqual([]);
});
