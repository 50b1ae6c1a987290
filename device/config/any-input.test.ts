import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { type ConfigLayers, loadConfig } from './load.ts';
import { refusal } from './test-refusal.ts';

describe('any input', () => {
  const metric = fc
    .stringMatching(/^[a-zA-Z0-9 ._-]{1,20}$/)
    .filter((name) => !['constructor', 'prototype', '__proto__'].includes(name));
  const limits = fc.record(
    {
      upper: fc.integer({ min: 10, max: 39 }),
      lower: fc.integer({ min: -39, max: 5 }),
      deadband: fc.double({ min: 0, max: 4, noNaN: true }),
      onDelayMs: fc.nat(100_000),
      severity: fc.constantFrom('low', 'medium', 'high', 'critical'),
      stuck: fc.record({ afterMs: fc.integer({ min: 1_000, max: 1_000_000 }) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  const valid = fc.record(
    {
      site: metric,
      sensor: fc.record({
        kind: fc.constantFrom('mock', 'auto', 'iio'),
        intervalMs: fc.integer({ min: 20, max: 50_000 }),
      }),
      thresholds: fc.dictionary(metric, limits),
      handler: fc.record({ devices: fc.array(metric, { maxLength: 5 }) }),
      topics: fc.record({ perDevice: fc.boolean() }),
    },
    { requiredKeys: [] },
  );

  it('a valid configuration is the same after it went out as JSON and came back, by any layer', async () => {
    await fc.assert(
      fc.asyncProperty(valid, fc.constantFrom('overlay', 'deployment'), async (given, layer) => {
        const first = await loadConfig({ [layer]: given });
        const again = await loadConfig({ deployment: JSON.parse(JSON.stringify(first.config)) });
        expect(again.config).toEqual(first.config);
        expect(again.version).toBe(first.version);
        const groups = Object.entries(given).map(
          ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        );
        expect((await loadConfig({ set: groups })).config).toEqual(first.config);
      }),
      { numRuns: 60 },
    );
  });

  const deep = Array.from({ length: 5_000 }).reduce<unknown>((inner) => ({ a: inner }), 1);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const names = fc.constantFrom(
    'sensor',
    'thresholds',
    'tempLimit',
    'snowUrl',
    'serviceNow',
    'handler',
    'devices',
    'fields',
    'temperature',
    'upper',
    '__proto__',
    'a.b',
    '',
  );
  const tangled = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(
        deep,
        cycle,
        undefined,
        null,
        new Date(0),
        () => 1,
        Symbol('s'),
        10n,
        Number.NaN,
        new Map(),
        'off',
        'https://a.example/api',
      ),
      fc.anything(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  it('is taken or refused in a sentence, never anything else', async () => {
    const option = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc
        .tuple(fc.array(names, { maxLength: 4 }), fc.string({ maxLength: 20 }))
        .map(([path, text]) => `${path.join('.')}=${text}`),
    );
    const env = fc.dictionary(
      fc.stringMatching(/^GREENGRASS_ITSM_{1,4}[A-Z_"\n]{0,20}$/),
      fc.string({ maxLength: 30 }),
      { maxKeys: 3 },
    );
    await fc.assert(
      fc.asyncProperty(
        tangled,
        tangled,
        fc.array(option, { maxLength: 3 }),
        env,
        async (overlay, deployment, set, variables) => {
          const outcome = await loadConfig({ overlay, deployment, set, env: variables }).then(
            () => 'taken',
            (error: unknown) => error,
          );
          if (outcome === 'taken') return;
          expect(outcome).toBeInstanceOf(AppError);
          expect(String(outcome).length).toBeLessThan(40_000);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each<ConfigLayers>([
    { set: [`${'a.'.repeat(50_000)}a=1`] },
    { set: [`${'a'.repeat(100_000)}=1`] },
    { set: [`site=${'a'.repeat(100_000)}`] },
    { env: { [`GREENGRASS_ITSM__${'A__'.repeat(20_000)}A`]: '1' } },
    { deployment: { a: Array.from({ length: 15 }).reduce<unknown>((inner) => Array(10).fill(inner), 'a') } },
    { deployment: { handler: { devices: Array.from({ length: 100_000 }, () => 'a') } } },
  ])('of any size is refused in a short sentence', async (layers) => {
    expect((await refusal(layers)).length).toBeLessThan(2_000);
  });
});
