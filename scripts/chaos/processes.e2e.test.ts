import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bundles, buildBundles, type Change } from './processes/bundles.ts';
import { faults } from './processes/faults.ts';
import { oneOfEachKind } from './processes/plan.ts';
import { playRounds } from './processes/play-rounds.ts';
import { playStorm } from './processes/storm.ts';

/** `npm run chaos -- --processes` plays others. */
const seed = Number(process.env['CHAOS_SEED'] ?? 701);

/** Publishes and answers while the sync of what they tell is yet to begin. */
const tellsBeforeSync: Change = {
  file: 'device/platform/store-sync.ts',
  find: "if (state === 'synced') done();\n      else waiting.push(done);\n      if (state === 'marked') schedule();",
  replace: "if (state === 'marked') schedule();\n      done();",
};

let bundles: Bundles;
/** Two releases are bundled whole, each as `npm run package` does it. */
const bundledWithinMs = 120_000;
beforeAll(async () => {
  bundles = await buildBundles();
}, bundledWithinMs);
afterAll(() => bundles.remove());

describe('both components, the broker and a local ServiceNow as processes', () => {
  const plan = oneOfEachKind(seed, faults);
  test(`${plan.length} rounds, a fault of each kind: every breach is in exactly one incident`, {
    timeout: 900_000,
  }, async () => {
    const { results } = await playRounds({ bundles, seed, plan, mostCuts: 300 });
    const sum = (of: (result: (typeof results)[number]) => number) => results.reduce((all, one) => all + of(one), 0);
    process.stdout.write(
      `seed ${seed}: ${results.length} rounds, ${sum(({ strikes }) => strikes)} faults, ${sum(({ kills }) => kills)} kills, ` +
        `${sum(({ breaches }) => breaches)} breaches\n`,
    );
    expect(results.flatMap(({ fault, findings }) => findings.map((finding) => ({ fault, ...finding })))).toEqual([]);
    expect(results).toHaveLength(plan.length);
    expect(results.filter(({ strikes }) => strikes === 0)).toEqual([]);
  });

  test('an outage of an hour, then 500 keys breach at once: one incident tells of them', {
    timeout: 300_000,
  }, async () => {
    const { result } = await playStorm({ bundles, seed, keys: 500, outageHours: 1 });
    expect(result.findings).toEqual([]);
    expect(result.breaches).toBeGreaterThanOrEqual(500);
  });

  test('a component that tells of what its disk does not hold yet is found out by a power loss', {
    timeout: 300_000,
  }, async () => {
    const broken = await buildBundles([tellsBeforeSync]);
    try {
      const losses = faults.filter(({ kind }) => kind === 'power loss');
      const plan = Array.from({ length: 10 }, () => losses).flat();
      const { results, kept } = await playRounds({ bundles: broken, seed, plan, mostCuts: 1, rightWithinMs: 10_000 });
      if (kept !== undefined) await rm(kept, { recursive: true, force: true });
      // What was told and is gone may be lost, besides.
      expect(results.at(-1)?.findings.map(({ invariant }) => invariant)).toContain('what was told is on the disk');
    } finally {
      await broken.remove();
    }
  });
});
