import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deviceStatusMessage, maxMessageBytes, type RollCallKey } from '../anomaly/anomaly.ts';
import { createRollCallAssembly } from '../handler/roll-call.ts';
import { rollCallPages } from './roll-call.ts';

const head = {
  version: 1,
  kind: 'roll-call',
  ...{ site: 'home', deviceId: 'pi', at: '2026-03-01T12:00:00Z', software: 'test/1' },
  ...{ installationId: 'a'.repeat(32), installationCreatedAt: '2026-03-01T12:00:00Z', callId: 'c'.repeat(32) },
  ...{ bootId: 'boot', monotonicMs: 1, clockSynchronised: true, clockSource: 'timesyncd' },
} as const;

const firing = (text: string): RollCallKey['firing'] => ({
  ...{
    id: 'b'.repeat(32),
    firingSequence: 1,
    severity: 'high',
    unit: '°C',
    value: 1,
    limit: 2,
    deadband: 0.5,
    peak: 3,
  },
  ...{ startedAt: '2026-03-01T12:00:00Z', text },
});
const anyKey = fc
  .record({
    metric: fc.string({ minLength: 1, maxLength: 128 }).map((text) => text.replace(/\p{Cc}/gu, 'é')),
    text: fc.option(fc.string({ maxLength: 300, unit: 'grapheme' }).map((text) => text.slice(0, 300))),
  })
  .map(({ metric, text }): RollCallKey => {
    return { metric, rule: 'upper', lastSequence: 7, waiting: false, firing: text === null ? null : firing(text) };
  });

describe('pages of a roll call', () => {
  test('where nothing is to be said there is one empty page', () => {
    expect(rollCallPages(head, [])).toEqual([{ ...head, page: 1, pages: 1, keys: [] }]);
  });

  test('are under 8 KB, fit the schema, and the handler puts the whole call together from them, in any order', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 500 }), fc.infiniteStream(fc.nat()), (keys, randoms) => {
        const pages = rollCallPages(head, keys);
        const shuffled = pages.map((page) => ({ page, by: randoms.next().value })).sort((a, b) => a.by - b.by);
        const assembly = createRollCallAssembly(10);
        const calls = shuffled.map(({ page }) => {
          const text = JSON.stringify(page);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxMessageBytes);
          const parsed = deviceStatusMessage.parse(JSON.parse(text));
          return parsed.kind === 'roll-call' ? assembly.add(parsed) : undefined;
        });
        expect(calls.slice(0, -1).every((call) => call === undefined)).toBe(true);
        expect(calls.at(-1)?.keys).toEqual(keys);
      }),
      { numRuns: 40 },
    );
  });
});
