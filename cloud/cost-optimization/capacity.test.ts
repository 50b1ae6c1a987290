import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { capacity } from './capacity.ts';
import type { Figure, Fleet } from './figure.ts';
import {
  driftFindings,
  type MeasuredEvents,
  type MeasuredRun,
  measuredRun,
  requestsPerThousand,
} from './measured-run.ts';
import { priceBook, pricePages } from './price-book.ts';

const file = new URL('../../scripts/bench/readings/measured.json', import.meta.url);
const kept = measuredRun.parse(JSON.parse(readFileSync(file, 'utf8')));

/** Round numbers, so that what comes of them can be said beforehand. */
const readings: MeasuredRun = {
  ...{ takenOn: '2026-11-24', on: 'test', readings: 100_000, keys: 80_000 },
  ...{ recordBytes: 400, invocationMs: 100, batchReadings: 100 },
  tenths: Array.from({ length: 10 }, () => ({ ms: 10_000, invocations: 100, requests: { BatchWriteItem: 400 } })),
};
const events: MeasuredEvents = {
  ...{ takenOn: '2026-11-24', on: 'test', events: 1_000, keys: 100 },
  requests: { PutItem: 1_000, GetItem: 1_000, 'PUT s3': 500 },
  tenths: Array.from({ length: 10 }, () => ({ ms: 1_000, requests: 250 })),
};
const fleet = (devices: number, fields: Partial<Fleet> = {}): Fleet => ({
  ...{ devices, readingIntervalMs: 5_000, devicesPerSite: 100, anomaliesPerDay: 3, notesPerIncident: 1, shardUse: 0.7 },
  storm: { keys: 20, windowMs: 60_000, maxNewPerHour: 100 },
  ...fields,
});
const of = (devices: number, fields: Partial<Fleet> = {}, run: Partial<MeasuredRun> = {}) =>
  capacity(fleet(devices, fields), { readings: { ...readings, ...run }, events });
const figureOf = (figures: readonly Figure[], name: string) => figures.find((figure) => figure.name === name)?.value;

describe('the measured run', () => {
  test('is of 100,000 readings, and its requests and time do not grow', () => {
    expect(kept.readings).toBe(100_000);
    expect(driftFindings(kept)).toEqual([]);
  });

  test('that grows is told', () => {
    const grown = readings.tenths.map((one, place) =>
      place === 9 ? { ...one, ms: one.ms * 10, requests: { BatchWriteItem: 800 } } : one,
    );
    expect(driftFindings({ ...readings, tenths: grown })).toHaveLength(2);
  });

  test('wrote each reading or its later one, 25 a request: no fewer requests than rows need', () => {
    const writes = kept.tenths.reduce((sum, { requests }) => sum + (requests['BatchWriteItem'] ?? 0), 0);
    expect(writes).toBeGreaterThanOrEqual(kept.keys / 25);
    expect(requestsPerThousand(readings, 0)).toBe(50);
  });
});

describe('what a fleet needs', () => {
  test.each([
    // 2 readings a second, 10 in five seconds; 14 requests an incident with a note.
    [10, 1, 10, 1, 100 * 14],
    // 2,000 a second at 700 a shard are three shards; 20 batches a second of 0.1 s; 100 sites.
    [10_000, 3, 100, 2, 100 * 100 * 14],
    // 200,000 a second; 10,000 sites.
    [1_000_000, 286, 100, 200, 10_000 * 100 * 14],
  ])(
    '%i devices: %i shards, batches of %i, %i functions, %i requests of ServiceNow an hour',
    (devices, ...expected) => {
      const { needs } = of(devices);
      const names = ['shards', 'readings a batch', 'concurrency', 'ServiceNow requests'];
      expect(names.map((name) => figureOf(needs, name))).toEqual(expected);
    },
  );

  test('a shard may be used to the full', () => {
    expect(figureOf(of(10_000, { shardUse: 1 }).needs, 'shards')).toBe(2);
  });

  test('a group of a FIFO queue takes 300 messages a second', () => {
    expect(figureOf(of(1_000_000).needs, 'FIFO groups')).toBe(1);
    expect(figureOf(of(1_000_000, { anomaliesPerDay: 86.4 }).needs, 'FIFO groups')).toBe(4);
  });

  test('the storm guard bounds requests where it lets fewer incidents through than the cap', () => {
    const storm = { keys: 2, windowMs: 600_000, maxNewPerHour: 100 };
    expect(figureOf(of(10, { storm, notesPerIncident: 3 }).needs, 'ServiceNow requests')).toBe(2 * 6 * 18);
  });

  test('large records need shards by their bytes', () => {
    expect(figureOf(of(1_000, { shardUse: 1 }, { recordBytes: 524_288 }).needs, 'shards')).toBe(100);
  });
});

describe('quotas', () => {
  const raised = (devices: number) =>
    of(devices).quotas.flatMap(({ name, unit }) => (unit.endsWith('to raise') ? name : []));

  test('of a million devices have to be raised, those of ten thousand not', () => {
    expect(raised(1_000_000)).toEqual([
      'quota: IoT publishes',
      'quota: IoT rule evaluations',
      'quota: IoT connections',
      'quota: table write units',
    ]);
    expect(raised(10_000)).toEqual([]);
  });

  test('of functions have to be raised once more than 1,000 run at a time', () => {
    const slow = of(1_000_000, {}, { invocationMs: 501 }).quotas;
    expect(slow.find(({ name }) => name === 'quota: Lambda concurrency')?.unit).toContain('to raise');
  });

  test('stand beside the page that has their default, which is to be checked', () => {
    for (const { inputs } of of(10).quotas)
      expect(inputs[0]?.source).toMatch(/to be checked: .*(quotas|Quotas|issues)/);
  });
});

describe('what a device costs', () => {
  test('is the sum of its parts, each with formula, inputs and the page and date of its prices', () => {
    for (const devices of [10, 10_000, 1_000_000]) {
      const { cost } = of(devices);
      const parts = cost.filter(({ name }) => name !== 'all');
      expect(figureOf(cost, 'all')).toBeCloseTo(
        parts.reduce((sum, { value }) => sum + value, 0),
        10,
      );
      for (const { formula, inputs } of parts) {
        expect(formula).not.toBe('');
        expect(inputs.some(({ source }) => /\d{4}-\d\d-\d\d, .* pricing/.test(source))).toBe(true);
      }
    }
  });

  test('falls with the fleet, as the shard is shared, and with the interval', () => {
    const all = (devices: number, readingIntervalMs = 5_000) =>
      figureOf(of(devices, { readingIntervalMs }).cost, 'all') ?? 0;
    expect(all(10)).toBeGreaterThan(all(10_000));
    expect(all(10_000, 60_000)).toBeLessThan(all(10_000) / 5);
  });

  test('a reading each five seconds is 525,600 messages, rules and actions a month, and as many in the lake', () => {
    const { cost } = of(1_000_000, { anomaliesPerDay: 0 });
    expect(figureOf(cost, 'IoT messages and rules')).toBeCloseTo(525_600 * 1.3e-6, 6);
    expect(figureOf(cost, 'DynamoDB')).toBeCloseTo(525_600 * 0.625e-6, 6);
    // 400 bytes count as 5 KB: 2.5 GB a month.
    const gb = (525_600 * 5_120) / 1_073_741_824;
    expect(figureOf(cost, 'lake')).toBeCloseTo(525_600 * 0.3e-6 + gb * 0.029, 5);
  });

  test('a message of more than 5 KB is as many messages, rules and actions as it has 5 KB', () => {
    const { cost } = of(1_000_000, { anomaliesPerDay: 0 }, { recordBytes: 5_121 });
    expect(figureOf(cost, 'IoT messages and rules')).toBeCloseTo(525_600 * 2 * 1.3e-6, 6);
  });

  test('says nothing of the consumers of incident events where they were not measured', () => {
    const { cost } = capacity(fleet(10), { readings, events: undefined });
    const names = cost.flatMap(({ name }) => (name.startsWith('incident events') ? name : []));
    expect(names).toEqual(['incident events: messages']);
  });

  test('an incident event costs the requests that were measured for one', () => {
    const { cost } = of(10_000);
    // 91.25 a month: a write with its index, a read, half an object each; 1 + 3 × 0.5 calls of 0.1 s in 0.25 GB.
    const perMonth = (3 * 730) / 24;
    expect(figureOf(cost, 'incident events: DynamoDB and S3')).toBeCloseTo(
      perMonth * (2 * 0.625e-6 + 0.125e-6 + 0.5 * 5e-6),
      9,
    );
    expect(figureOf(cost, 'incident events: Lambda')).toBeCloseTo(
      perMonth * 2.5 * (0.2e-6 + 0.1 * 0.25 * 13.3334e-6),
      9,
    );
  });
});

test('each price names the page that has it, and its date', () => {
  const prices = Object.keys(priceBook).filter((name) => name.endsWith('Usd'));
  expect(Object.keys(pricePages).toSorted()).toEqual(prices.toSorted());
  for (const { page, url, dated } of Object.values(pricePages)) {
    expect(page).toContain('pricing');
    expect(url).toMatch(/^https:\/\/aws\.amazon\.com\/.+\/$/);
    expect(dated).toMatch(/^\d{4}-\d\d-\d\d$/);
  }
});
