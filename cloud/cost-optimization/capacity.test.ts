import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { capacity, type Figure, type Fleet, limits } from './capacity.ts';
import { driftFindings, measuredRun, requestsPerThousand } from './measured-run.ts';

const file = new URL('../../scripts/bench/readings/measured.json', import.meta.url);
const run = measuredRun.parse(JSON.parse(readFileSync(file, 'utf8')));

const fleet = (devices: number, fields: Partial<Fleet> = {}): Fleet => ({
  ...{ devices, readingIntervalMs: 5_000, devicesPerSite: 100, anomaliesPerDay: 3 },
  storm: { keys: 20, windowMs: 60_000, maxNewPerHour: 100 },
  ...fields,
});
const figureOf = (figures: readonly Figure[], name: string) => figures.find((figure) => figure.name === name)?.value;

describe('the measured run', () => {
  test('is of 100,000 readings, and its requests and time do not grow', () => {
    expect(run.readings).toBe(100_000);
    expect(driftFindings(run)).toEqual([]);
  });

  test('that grows is told', () => {
    const grown = run.tenths.map((one, place) =>
      place === 9 ? { ...one, ms: one.ms * 10, batchWrites: one.batchWrites * 2 } : one,
    );
    expect(driftFindings({ ...run, tenths: grown })).toHaveLength(2);
  });

  test('took the requests that the formulas say: puts of 500, batches of a mean size, writes of 25', () => {
    const batches = run.readings / run.batchReadings;
    const formula = 1_000 / 500 + 1_000 / run.batchReadings + 1_000 / 25;
    const total = run.tenths.reduce((sum, _, place) => sum + requestsPerThousand(run, place), 0) / 10;
    expect(run.tenths.reduce((sum, { invocations }) => sum + invocations, 0)).toBe(Math.round(batches));
    // The last write of a batch is not full.
    expect(total).toBeGreaterThanOrEqual(formula * 0.99);
    expect(total).toBeLessThanOrEqual(formula + 1_000 / run.batchReadings);
  });

  test('kept one function busy for no more than its time, which is what the concurrency is computed from', () => {
    const seconds = run.tenths.reduce((sum, { ms }) => sum + ms, 0) / 1_000;
    const perSecond = run.readings / seconds;
    const asFleet = fleet(1, { readingIntervalMs: 1_000 / perSecond });
    expect(figureOf(capacity(asFleet, run).needs, 'concurrency')).toBe(1);
  });
});

describe('what a fleet needs', () => {
  test.each([
    // 2 readings a second.
    [10, 1, 100 * 3],
    // 2,000 a second are two shards; 100 sites.
    [10_000, 2, 100 * 100 * 3],
    // 200,000 a second; 10,000 sites.
    [1_000_000, 200, 10_000 * 100 * 3],
  ])('%i devices: %i shards, at most %i requests of ServiceNow an hour', (devices, shards, requests) => {
    const { needs } = capacity(fleet(devices), run);
    expect(figureOf(needs, 'shards')).toBe(shards);
    expect(figureOf(needs, 'ServiceNow requests')).toBe(requests);
    const busy = ((devices / 5 / run.batchReadings) * run.invocationMs) / 1_000;
    expect(figureOf(needs, 'concurrency')).toBe(Math.max(1, Math.ceil(busy)));
    const events = (devices * 3) / 86_400 / limits.fifoMessagesPerSecondPerGroup;
    expect(figureOf(needs, 'FIFO groups')).toBe(Math.max(1, Math.ceil(events)));
  });

  test('the storm guard bounds requests where it lets fewer incidents through than the cap', () => {
    const storm = { keys: 2, windowMs: 600_000, maxNewPerHour: 100 };
    expect(figureOf(capacity(fleet(10, { storm }), run).needs, 'ServiceNow requests')).toBe(2 * 6 * 3);
  });

  test('large records need shards by their bytes', () => {
    expect(figureOf(capacity(fleet(1_000), { ...run, recordBytes: 524_288 }).needs, 'shards')).toBe(100);
  });
});

describe('what a device costs', () => {
  test('is the sum of its parts, each with formula, inputs and the date of its prices', () => {
    for (const devices of [10, 10_000, 1_000_000]) {
      const { cost } = capacity(fleet(devices), run);
      const parts = cost.filter(({ name }) => name !== 'all');
      expect(figureOf(cost, 'all')).toBeCloseTo(
        parts.reduce((sum, { value }) => sum + value, 0),
        10,
      );
      for (const { formula, inputs } of parts) {
        expect(formula).not.toBe('');
        expect(inputs.some(({ source }) => /\d{4}-\d\d-\d\d/.test(source))).toBe(true);
      }
    }
  });

  test('falls with the fleet, as the shard is shared, and with the interval', () => {
    const all = (devices: number, readingIntervalMs = 5_000) =>
      figureOf(capacity(fleet(devices, { readingIntervalMs }), run).cost, 'all') ?? 0;
    expect(all(10)).toBeGreaterThan(all(10_000));
    expect(all(10_000, 60_000)).toBeLessThan(all(10_000) / 5);
  });

  test('a reading each five seconds is 525,600 messages, rules and actions a month', () => {
    const { cost } = capacity(fleet(10_000, { anomaliesPerDay: 0 }), run);
    expect(figureOf(cost, 'IoT messages and rules')).toBeCloseTo(525_600 * 1.3e-6, 6);
    expect(figureOf(cost, 'DynamoDB')).toBeCloseTo(525_600 * 0.625e-6, 6);
  });
});
