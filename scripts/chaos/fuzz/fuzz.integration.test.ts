import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { runFuzz } from './run-fuzz.ts';
import { type Target, targets } from './targets.ts';

const folder = mkdtempSync(join(tmpdir(), 'fuzz-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('every parser at an edge stands hostile input', () => {
  test.each(targets.map((target) => [target.name, target] as const))(
    '%s',
    { timeout: 120_000 },
    async (_name, target) => {
      const result = await fuzz(target, { seed: 1, inputs: 300 });
      expect(result.violation).toBeUndefined();
      expect(result.inputs).toBeGreaterThanOrEqual(100);
    },
  );
});

describe('what a parser must not do is found', () => {
  const target = (parse: (text: string) => void): Target => ({
    name: 'broken',
    open: () => ({ property: fc.property(fc.string(), parse) }),
  });

  test('an error that nobody expects, with an input as short as it can be', async () => {
    const broken = target((text) => {
      if (text.length > 2) throw new RangeError('too long');
    });
    const { violation } = await fuzz(broken, { seed: 1, inputs: 1_000 });
    expect(violation).toMatch(/RangeError: too long/);
    expect(violation).toMatch(/input: \["[^"]{3}"\]$/);
    expect(violation).toContain('\nseed: 1, path: ');
  });

  test('memory that is kept for each input', async () => {
    const kept: unknown[] = [];
    const { violation } = await fuzz(
      target(() => void kept.push(new Array(40_000).fill(1.5))),
      { seed: 1, inputs: 200 },
    );
    expect(violation).toMatch(/^\d+ MiB more are held/);
  });

  test('an input that takes too long', async () => {
    let clockMs = 0;
    const slow = target((text) => {
      clockMs += text.length > 5 ? 5_001 : 1;
    });
    const { violation } = await fuzz(slow, { seed: 1, inputs: 100, nowMs: () => clockMs });
    expect(violation).toBe('one input took 5001 ms');
  });

  test.each([
    ['a hang', 'for (;;) {}', /it hangs, after 0 inputs of seed 7/],
    [
      'the death of the process',
      "console.error('out of stack'); process.abort();",
      /ended \(SIGABRT\).*\nout of stack/,
    ],
  ])('%s', async (_what, code, says) => {
    const program = join(folder, 'program.mjs');
    writeFileSync(program, code);
    const { violation } = await runFuzz('broken', { seed: 7, inputs: 100, silenceMs: 3_000, program });
    expect(violation).toMatch(says);
  });
});
