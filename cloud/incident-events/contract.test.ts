import { expect, test } from 'vitest';
import { mostTimeoutMs, openerConfiguration } from './contract.ts';

test('a time-out with which no step would fit into a call is refused with what to set', () => {
  expect(openerConfiguration.safeParse({ serviceNow: { timeoutMs: mostTimeoutMs } }).success).toBe(true);
  const { error } = openerConfiguration.safeParse({ serviceNow: { timeoutMs: 60_000 } });
  expect(error?.issues).toMatchObject([
    { path: ['serviceNow', 'timeoutMs'], message: expect.stringContaining('set at most 50000 ms') },
  ]);
});
