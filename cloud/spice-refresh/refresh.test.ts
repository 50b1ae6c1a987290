import { type QuickSightClient, ResourceExistsException } from '@aws-sdk/client-quicksight';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RefreshRequest } from './contract.ts';
import { decideRefresh, type Start, windowMs } from './decide-refresh.ts';
import { createQuickSight } from './quick-sight.aws.ts';
import { type Answer, ingestionIdOf, type RefreshState, refreshDataSet } from './refresh.ts';
import { takeMessages } from './take-messages.ts';
import { jobEnded, jobName, manifestText, testPorts } from './test-ports.ts';

const minuteMs = 60_000;
const limits = { perDay: 32, reserve: 8 };
const settings = { jobName, ...limits };

describe('when a data set is refreshed', () => {
  const start = (minutes: number, jobRunId = `run-${minutes}`): Start => ({ jobRunId, atMs: minutes * minuteMs });
  const nowMs = 10_000 * minuteMs;
  const decide = (
    starts: readonly Start[],
    fields: Partial<{ endedMs: number; minIntervalMs: number; jobRunId: string }> = {},
  ) => decideRefresh(starts, { jobRunId: 'run', endedMs: nowMs - 1, minIntervalMs: 0, ...fields }, nowMs, limits);
  const recent = (count: number, lastMinutesAgo: number) =>
    Array.from({ length: count }, (_, place) => start(10_000 - lastMinutesAgo - place));

  test.each<[string, ReturnType<typeof decide>, ReturnType<typeof decide>]>([
    ['never refreshed', decide([]), { kind: 'start' }],
    ['the same run again', decide([start(9_000, 'run')]), { kind: 'start' }],
    ['refreshed since the run ended', decide([start(9_990)], { endedMs: 9_980 * minuteMs }), { kind: 'covered' }],
    ['refreshed before the run ended', decide([start(9_990)], { endedMs: 9_995 * minuteMs }), { kind: 'start' }],
    [
      'refreshed within its interval',
      decide([start(9_990)], { minIntervalMs: 15 * minuteMs }),
      { kind: 'wait', atMs: 10_005 * minuteMs },
    ],
    ['24 of 32 used', decide(recent(24, 1)), { kind: 'start' }],
    ['25 of 32 used: one each 45 minutes', decide(recent(25, 1)), { kind: 'wait', atMs: (9_999 + 45) * minuteMs }],
    ['all used', decide(recent(32, 100)), { kind: 'wait', atMs: (10_000 - 131 + 1_440) * minuteMs }],
    ['all used, but yesterday', decide(recent(32, 1_441)), { kind: 'start' }],
  ])('%s', (_what, decision, expected) => {
    expect(decision).toEqual(expected);
  });

  test('in no 24 hours there are more than the quota, whatever runs end when', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 60, maxLength: 200 }), (gaps) => {
        let nowMinutes = 0;
        const starts: Start[] = [];
        for (const [run, gap] of gaps.entries()) {
          nowMinutes += gap;
          const at = nowMinutes * minuteMs;
          const request = { jobRunId: `run-${run}`, endedMs: at, minIntervalMs: 0 };
          if (decideRefresh(starts, request, at, limits).kind === 'start')
            starts.push({ jobRunId: request.jobRunId, atMs: at });
        }
        for (const { atMs } of starts) {
          expect(starts.filter((one) => one.atMs > atMs - windowMs && one.atMs <= atMs).length).toBeLessThanOrEqual(32);
        }
      }),
    );
  });
});

const request = (fields: Partial<RefreshRequest> = {}): RefreshRequest => ({
  ...{ kind: 'refresh', jobRunId: 'jr_1', endedMs: 500, ...fields },
  dataSet: { dataSetId: 'rides', ingestionType: 'FULL_REFRESH', minIntervalMinutes: 0, ...fields.dataSet },
});

describe('a refresh', () => {
  test('is asked for once, under an id of run and data set, however often it is tried (duplicate)', async () => {
    const ports = testPorts();
    expect(await refreshDataSet(request(), limits, ports)).toMatchObject({
      kind: 'started',
      ingestionId: 'jr_1-rides',
    });
    ports.clock.ms += 5_000;
    expect(await refreshDataSet(request(), limits, ports)).toMatchObject({
      kind: 'started',
      ingestionId: 'jr_1-rides',
    });
    expect(new Set(ports.ingestions.map(({ ingestionId }) => ingestionId))).toEqual(new Set(['jr_1-rides']));
    expect(ports.stored.get('rides')?.starts).toEqual([{ jobRunId: 'jr_1', atMs: 1_000 }]);
    // What comes again has begun nothing, so a run that ended meanwhile is not covered by it.
    expect(await refreshDataSet(request({ jobRunId: 'jr_2', endedMs: 3_000 }), limits, ports)).toMatchObject({
      kind: 'started',
    });
  });

  test('that ends of runs ask for in another order is one, if it began after all of them (reorder)', async () => {
    const ports = testPorts();
    await refreshDataSet(request({ jobRunId: 'jr_2', endedMs: 900 }), limits, ports);
    expect(await refreshDataSet(request({ jobRunId: 'jr_1', endedMs: 400 }), limits, ports)).toEqual({
      ...{ kind: 'covered', dataSetId: 'rides' },
    });
    expect(ports.ingestions).toHaveLength(1);
  });

  test.each<[string, Answer, number]>([
    ['busy', { kind: 'later', delayMs: minuteMs, why: 'busy' }, minuteMs],
    ['out of its quota', { kind: 'later', delayMs: 15 * minuteMs, why: 'limit' }, 15 * minuteMs],
  ])(
    'that QuickSight puts off, as it is %s, waits in the queue and is no start (throttle)',
    async (_what, answer, delayMs) => {
      const ports = testPorts({ answer: () => answer });
      expect(await refreshDataSet(request(), limits, ports)).toMatchObject({
        kind: 'waiting',
        untilMs: 1_000 + delayMs,
      });
      expect(ports.sent).toEqual([{ request: request(), delayMs }]);
      expect(ports.stored.get('rides')?.starts).toEqual([]);
    },
  );

  test('that fails leaves no start behind, so that nobody is covered by it', async () => {
    const ports = testPorts({
      answer: () => {
        throw new Error('away');
      },
    });
    await expect(refreshDataSet(request(), limits, ports)).rejects.toThrow('away');
    expect(ports.stored.get('rides')?.starts).toEqual([]);
  });

  test('whose answer was lost covers no run that ended since, though QuickSight knows it when it comes again', async () => {
    const ports = testPorts();
    const failures = [
      new Error('socket hang up'),
      new ResourceExistsException({ $metadata: {}, message: 'i', Message: 'i' }),
    ];
    const send: QuickSightClient['send'] = () => {
      const error = failures.shift();
      return error === undefined ? Promise.resolve({}) : Promise.reject(error);
    };
    const lossy = { ...ports, quickSight: createQuickSight({ send }, '123456789012') };
    await expect(refreshDataSet(request(), limits, lossy)).rejects.toThrow('socket hang up');
    ports.clock.ms = 61_000;
    expect(await refreshDataSet(request(), limits, lossy)).toMatchObject({ kind: 'started' });
    expect(ports.stored.get('rides')?.starts).toEqual([{ jobRunId: 'jr_1', atMs: 500 }]);
    expect(await refreshDataSet(request({ jobRunId: 'jr_2', endedMs: 30_000 }), limits, lossy)).toMatchObject({
      kind: 'started',
    });
    // One that had ended before the first has been refreshed with it.
    expect(await refreshDataSet(request({ jobRunId: 'jr_0', endedMs: 400 }), limits, lossy)).toMatchObject({
      kind: 'covered',
    });
  });

  test('that fails while another one is written down takes back its own start alone', async () => {
    const ports = testPorts();
    const quickSight = {
      async createIngestion(): Promise<Answer> {
        const { starts, version } = await ports.states.read('rides');
        await ports.states.write('rides', {
          starts: [...starts, { jobRunId: 'jr_9', atMs: 999 }],
          version: version + 1,
        });
        throw new Error('away');
      },
    };
    await expect(refreshDataSet(request(), limits, { ...ports, quickSight })).rejects.toThrow('away');
    expect(ports.stored.get('rides')?.starts).toEqual([{ jobRunId: 'jr_9', atMs: 999 }]);
  });

  test('of which another one was written down meanwhile is decided again', async () => {
    const ports = testPorts();
    const other: RefreshState = { starts: [{ jobRunId: 'jr_9', atMs: 999 }], version: 1 };
    let first = true;
    const states = {
      ...ports.states,
      async write(dataSetId: string, next: RefreshState) {
        if (!first) return ports.states.write(dataSetId, next);
        first = false;
        await ports.states.write(dataSetId, other);
        return false;
      },
    };
    expect(await refreshDataSet(request(), limits, { ...ports, states })).toMatchObject({ kind: 'covered' });
    expect(ports.ingestions).toEqual([]);
    const never = { ...ports.states, write: async () => false };
    await expect(refreshDataSet(request({ endedMs: 2_000 }), limits, { ...ports, states: never })).rejects.toThrow(
      'SQS tries again',
    );
  });

  test('has an id that QuickSight takes, however long the parts are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (run, dataSet) => {
        expect(ingestionIdOf(run, dataSet)).toMatch(/^[\w-]{1,128}$/);
      }),
    );
    expect(ingestionIdOf('a'.repeat(100), 'b'.repeat(100))).not.toBe(ingestionIdOf('a'.repeat(100), 'b'.repeat(101)));
  });
});

describe('a message', () => {
  const take = async (bodies: readonly string[], ports = testPorts()) => ({
    ...(await takeMessages(
      bodies.map((body, place) => ({ messageId: `m${place}`, body })),
      settings,
      ports,
    )),
    ports,
  });

  test('of a job that ended refreshes each of its data sets', async () => {
    const { outcomes, ports } = await take([jobEnded()], testPorts({ dataSets: ['rides', 'tips'] }));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['started', 'started']);
    expect(ports.ingestions.map(({ dataSetId }) => dataSetId)).toEqual(['rides', 'tips']);
  });

  test.each([
    ['no JSON', 'hello', 'not-json'],
    ['nobody knows', '{"a":1}', 'bad-schema'],
    ['a run that failed', jobEnded({ state: 'FAILED' }), 'bad-schema'],
  ])('that is %s is parked as it came, and its followers are taken (poison)', async (_what, body, reason) => {
    const { parked, outcomes } = await take([body, jobEnded()]);
    expect(parked.map((record) => [record.reason, Buffer.from(record.bytes).toString()])).toEqual([[reason, body]]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['started']);
  });

  test('of a job that is not in the map is dropped', async () => {
    const { outcomes, parked, ports } = await take(
      [jobEnded({ jobName: 'another' })],
      testPorts({ dataSets: undefined }),
    );
    expect(outcomes).toEqual([{ kind: 'unknown-job', jobName: 'another' }]);
    expect([parked, ports.ingestions]).toEqual([[], []]);
  });

  test('of a job whose row of the map does not fit is parked with the field (bad schema)', async () => {
    const { parked } = await take(
      [jobEnded()],
      testPorts({ dataSets: { invalid: 'row x of the map: dataSets: empty' } }),
    );
    expect(parked).toMatchObject([{ reason: 'bad-map-row', detail: 'row x of the map: dataSets: empty' }]);
  });

  test.each([
    ['has no manifest', undefined, 'has no manifest'],
    ['has one of an earlier run', { text: manifestText, writtenMs: -2_000 }, 'is of 1969'],
    ['has one that is none', { text: '{}', writtenMs: 500 }, 'does not fit'],
  ])('of a run that succeeded and %s is parked: it is a failure', async (_what, manifest, words) => {
    const { parked, ports } = await take([jobEnded()], testPorts({ manifest }));
    expect(parked).toMatchObject([{ reason: 'no-output', detail: expect.stringContaining(words) }]);
    expect(ports.ingestions).toEqual([]);
  });

  test('one data set of which is refused is parked for that one; what fails comes again alone (partial failure)', async () => {
    const ports = testPorts({
      dataSets: ['rides', 'gone'],
      answer: ({ dataSetId }) => (dataSetId === 'gone' ? { kind: 'refused', why: 'not found' } : { kind: 'accepted' }),
    });
    const read = ports.states.read;
    const states = {
      ...ports.states,
      read: (id: string) => (id === 'away' ? Promise.reject(new Error('away')) : read(id)),
    };
    const waited = JSON.stringify(request({ dataSet: { ...request().dataSet, dataSetId: 'away' } }));
    const { parked, outcomes, batchItemFailures } = await take([jobEnded(), waited], { ...ports, states });
    expect(parked).toMatchObject([{ id: 'm0:gone', reason: 'refused' }]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['started', 'refused']);
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'm1' }]);
  });
});
