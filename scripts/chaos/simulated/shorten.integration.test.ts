import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { mutate } from './mutate.ts';
import { scheduleOf } from './schedule.ts';
import { describe, shorten } from './shorten.ts';
import { play } from './world.ts';

test('a schedule is shortened to the steps without which nothing goes wrong', { timeout: 60_000 }, async () => {
  const mutant = mutants.find(({ name }) => name === 'nothing is resolved');
  const mutated = mutant && (await mutate(mutant));
  if (mutated === undefined) expect.unreachable('the mutant is there');
  try {
    const schedule = scheduleOf(2, ['calm']);
    const invariant = 'resolved if ended';
    const short = await shorten(schedule, invariant, mutated.device);
    expect(short.steps.length).toBeLessThan(schedule.steps.length);
    // One breach that ends is all that it takes.
    expect(short.steps.map((step) => step.do)).toEqual(['temper', 'temper']);
    const { findings } = await play(short, mutated.device);
    expect(findings.map((finding) => finding.invariant)).toContain(invariant);
    expect(describe(short)).toHaveLength(3);
  } finally {
    mutated.remove();
  }
});
