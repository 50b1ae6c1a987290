import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readingsCsv } from './contract.ts';
import { deliverSlice, retryDelaySeconds } from './deliver.ts';
import { planExports } from './plan.ts';
import { cutObject } from './slices.ts';
import { memoryPorts, message, readingLine, settings } from './test-ports.ts';
import { deliveredFolder } from './transform-slice.ts';

const key = 'exports/readings-csv/day.ndjson';
const content = Buffer.from(Array.from({ length: 50 }, (_, place) => `${readingLine(place)}\n`).join(''));
const objects = { [key]: { etag: 'e1', content } };
const created = (changes: object = {}) => ({
  Records: [{ s3: { object: { key, size: content.length, eTag: 'e1', ...changes } } }],
});
const cutting = { sliceBytes: 500, templates: settings.templates };

/** Plans the export, and delivers each of its slices as often as told. */
async function exported(stage = memoryPorts(objects), times = 1) {
  const planned = await planExports([message(created())], cutting, stage.ports);
  const slices = stage.queues.get('readings-csv') ?? [];
  const outcomes = [];
  for (const slice of slices) {
    for (let time = 0; time < times; time += 1)
      outcomes.push(await deliverSlice(message(slice), settings, stage.ports));
  }
  return { ...stage, planned, slices, outcomes };
}

const rows = (files: ReadonlyMap<string, string>) =>
  [...files]
    .filter(([name]) => name.includes('/part-'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, text]) => text.split('\n').slice(1, -1));
const manifestOf = (files: ReadonlyMap<string, string>) => {
  const [text] = [...files].filter(([name]) => name.endsWith('/_manifest.json')).map(([, text]) => text);
  return text === undefined ? undefined : JSON.parse(text);
};

describe('an export', () => {
  test('has each line of the object once, in order, and says at the end that it is whole', async () => {
    const { files, planned, slices } = await exported();
    expect(planned.slices).toBe(Math.ceil(content.length / 500));
    expect(slices.length).toBeGreaterThan(5);
    expect(rows(files)).toEqual(
      Array.from({ length: 50 }, (_, place) => `d${place},2026-11-24T10:00:00.000Z,,${place},`),
    );
    expect(manifestOf(files)).toMatchObject({
      key,
      slices: slices.length,
      lines: 50,
      rejected: 0,
      bytesIn: content.length,
    });
    expect(manifestOf(files).computedUsdPerGb).toBeGreaterThan(0);
  });

  test('whatever the size of slices, it has the same lines', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 40, max: content.length + 1 }), async (sliceBytes) => {
        const stage = memoryPorts(objects);
        await planExports([message(created())], { ...cutting, sliceBytes }, stage.ports);
        for (const slice of stage.queues.get('readings-csv') ?? []) {
          await deliverSlice(message(slice), settings, stage.ports);
        }
        expect(rows(stage.files).map((row) => row.split(',')[0])).toEqual(
          Array.from({ length: 50 }, (_, place) => `d${place}`),
        );
        expect(manifestOf(stage.files)?.lines).toBe(50);
      }),
      { numRuns: 30 },
    );
  });

  test('a slice that is told three times is delivered and counted once (duplicate)', async () => {
    const { files, outcomes, slices } = await exported(memoryPorts(objects), 3);
    expect(outcomes.filter(({ kind }) => kind === 'done-already')).toHaveLength(2 * slices.length);
    expect(manifestOf(files)).toMatchObject({ lines: 50, slices: slices.length });
    expect(rows(files)).toHaveLength(50);
  });

  test('slices that are delivered in any order are the same export (reorder)', async () => {
    const stage = memoryPorts(objects);
    await planExports([message(created())], cutting, stage.ports);
    for (const slice of (stage.queues.get('readings-csv') ?? []).toReversed()) {
      expect(manifestOf(stage.files)).toBeUndefined();
      await deliverSlice(message(slice), settings, stage.ports);
    }
    expect(rows(stage.files)).toEqual(rows((await exported()).files));
    expect(manifestOf(stage.files)?.lines).toBe(50);
  });

  test('an object that S3 tells of twice is one job, whose slices are sent again and delivered once', async () => {
    const stage = memoryPorts(objects);
    await planExports([message(created())], cutting, stage.ports);
    const { jobs, files } = await exported(stage);
    expect(jobs.size).toBe(1);
    expect(rows(files)).toHaveLength(50);
  });

  test('a manifest whose writer ended too early is written when the last slice comes again', async () => {
    const stage = memoryPorts(objects);
    const { put } = stage.ports.delivered;
    stage.ports.delivered.put = async () => {
      throw new Error('away');
    };
    const { slices, outcomes } = await exported(stage);
    expect(outcomes.at(-1)?.kind).toBe('failed');
    stage.ports.delivered.put = put;
    const last = slices.at(-1);
    expect((await deliverSlice(message(last), settings, stage.ports)).kind).toBe('done-already');
    expect(manifestOf(stage.files)?.lines).toBe(50);
  });

  test('a destination that is away is tried again later and later, and its neighbours go on (throttle)', async () => {
    const stage = memoryPorts(objects);
    await planExports([message(created())], cutting, stage.ports);
    const [first, second] = stage.queues.get('readings-csv') ?? [];
    const { open } = stage.ports.delivered;
    stage.ports.delivered.open = (name, type) => ({
      ...open(name, type),
      write: async () => {
        throw new Error('SlowDown');
      },
    });
    for (const tries of [1, 2, 5, 11]) {
      expect((await deliverSlice(message(first, tries), settings, stage.ports)).kind).toBe('failed');
    }
    expect(stage.postponed).toEqual([30, 60, 480, 900]);
    expect(stage.files.size).toBe(0);
    stage.ports.delivered.open = open;
    expect((await deliverSlice(message(second), settings, stage.ports)).kind).toBe('delivered');
    expect(retryDelaySeconds(3, () => 0)).toBe(1);
  });

  test('lines that can never be used stand beside the others, with place and reason', async () => {
    const bad = Buffer.from(`${readingLine(1)}\nhello\n\n{"deviceId":"x"}\n${readingLine(2)}`);
    const stage = memoryPorts({ [key]: { etag: 'e1', content: bad } });
    await planExports([message(created({ size: bad.length }))], { ...cutting, sliceBytes: 1_000 }, stage.ports);
    for (const slice of stage.queues.get('readings-csv') ?? [])
      await deliverSlice(message(slice), settings, stage.ports);
    expect(manifestOf(stage.files)).toMatchObject({ lines: 2, rejected: 2 });
    const [refused = ''] = [...stage.files].filter(([name]) => name.includes('/rejected-')).map(([, text]) => text);
    expect(
      refused
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { reason: 'not-json', line: 'hello', offset: readingLine(1).length + 1 },
      { reason: 'field-missing', line: '{"deviceId":"x"}' },
    ]);
  });

  test('an object that has changed since it was cut is parked, and no part of it is mixed with the old one', async () => {
    const stage = memoryPorts(objects);
    await planExports([message(created())], cutting, stage.ports);
    const [slice] = stage.queues.get('readings-csv') ?? [];
    const changed = memoryPorts({ [key]: { etag: 'e2', content } });
    await changed.ports.work.begin({ id: slice?.job ?? '', key, destination: 'readings-csv', slices: 9 });
    expect((await deliverSlice(message(slice), settings, changed.ports)).kind).toBe('parked');
    expect(changed.parked).toMatchObject([{ reason: 'source-changed' }]);
    expect(changed.files.size).toBe(0);
  });

  test('of a batch of objects what cannot be used is parked and what fails comes again, the others are cut (partial failure)', async () => {
    const stage = memoryPorts(objects);
    const { send } = stage.ports.queues;
    stage.ports.queues.send = async (destination, slices) => {
      if (destination === 'recording-json') throw new Error('away');
      await send(destination, slices);
    };
    const failing = { ...message(created({ key: 'exports/recording-json/a.csv' })), messageId: 'failing' };
    const planned = await planExports(
      [message('hello'), failing, message(created({ key: 'exports/nobody/a' })), message(created())],
      cutting,
      stage.ports,
    );
    expect(planned.batchItemFailures).toEqual([{ itemIdentifier: 'failing' }]);
    expect(stage.parked.map(({ reason }) => reason)).toEqual(['not-json', 'unknown-destination']);
    expect(stage.queues.get('readings-csv')).not.toHaveLength(0);
  });

  test('what is no slice is parked', async () => {
    const { ports, parked } = memoryPorts();
    const slice = { job: 'a'.repeat(32), destination: 'x', key, etag: 'e', size: 10, index: 0, start: 5, end: 5 };
    for (const body of ['hello', slice, { ...slice, start: 0, end: 11 }, { ...slice, start: 0, key: 'exports/x/y' }]) {
      expect((await deliverSlice(message(body), settings, ports)).kind).toBe('parked');
    }
    expect(parked.map(({ reason }) => reason)).toEqual(['not-json', 'bad-schema', 'bad-schema', 'unknown-destination']);
  });
});

describe('cutting an object', () => {
  test.each([
    ['exports/nobody/a', 'unknown-destination'],
    ['exports/readings-csv/', 'unknown-destination'],
    ['readings-csv/a', 'unknown-destination'],
    ['exports/readings-csv/../a', 'unknown-destination'],
  ])('%s is of no destination', (name, reason) => {
    expect(cutObject({ key: name, size: 1, eTag: 'e', sequencer: '' }, cutting)).toMatchObject({ ok: false, reason });
  });

  test('one with more than 2,000 slices is refused, and an empty one has none', () => {
    expect(cutObject({ key, size: 500 * 2_000, eTag: 'e', sequencer: '' }, cutting)).toMatchObject({ ok: true });
    expect(cutObject({ key, size: 500 * 2_000 + 1, eTag: 'e', sequencer: '' }, cutting)).toMatchObject({
      reason: 'object-too-large',
    });
    expect(cutObject({ key, size: 0, eTag: 'e', sequencer: '' }, cutting)).toMatchObject({ ok: true, slices: [] });
  });

  test('an object that is put again is another job, and so is one for a template that has changed', () => {
    const jobOf = (sequencer: string, templates = cutting.templates) => {
      const cut = cutObject({ key, size: 1, eTag: 'e', sequencer }, { ...cutting, templates });
      return cut.ok ? cut.job : cut.reason;
    };
    const changed = { ...readingsCsv, fields: readingsCsv.fields.slice(1) };
    const jobs = [jobOf('1'), jobOf('2'), jobOf('1', new Map([[changed.name, changed]])), jobOf('1')];
    expect(new Set(jobs).size).toBe(3);
    expect(jobs[3]).toBe(jobs[0]);
  });

  test('a key is as long as the names of its files can be', async () => {
    const [prefix, tail] = ['exports/readings-csv/', 'ü'];
    const name = (bytes: number) => `${prefix}${'a'.repeat(bytes - prefix.length - 2)}${tail}`;
    const cut = (bytes: number) => cutObject({ key: name(bytes), size: 1, eTag: 'e', sequencer: '' }, cutting);
    const fits = cut(977);
    if (!fits.ok) throw new Error(fits.detail);
    const longest = `${deliveredFolder({ key: name(977), job: fits.job })}/rejected-00000.ndjson`;
    expect(Buffer.byteLength(longest)).toBe(1_024);
    expect(cut(978)).toMatchObject({ ok: false, reason: 'key-too-long' });
  });

  test('slices lie side by side, and the same object is the same job', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900_000 }), (size) => {
        const cut = cutObject({ key, size, eTag: '"e"', sequencer: '' }, cutting);
        if (!cut.ok) throw new Error(cut.detail);
        expect(cut.slices.map(({ start }) => start)).toEqual([0, ...cut.slices.slice(0, -1).map(({ end }) => end)]);
        expect(cut.slices.at(-1)?.end).toBe(size);
        expect(cutObject({ key, size, eTag: 'e', sequencer: '' }, cutting)).toEqual(cut);
      }),
    );
  });
});
