import { expect, test } from 'vitest';
import { countedBetween, total } from './counting-proxy.ts';

test('what is counted between two moments is what came since, by operation', () => {
  const counted = countedBetween({ PutItem: 3, GetItem: 2 }, { PutItem: 5, GetItem: 2, Query: 1 });
  expect(counted).toEqual({ PutItem: 2, Query: 1 });
  expect(total(counted)).toBe(3);
});
