import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WriteFault } from '../../device/simulation/memory-destination.ts';
import { anomaly, breach } from './test-messages.ts';
import { fired, resolved, stage, updated } from './test-opener-stage.ts';

const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  fc.constant('commit-then-cut' as const),
  fc.constant('cut-before-commit' as const),
  fc.nat(80_000).map((commitAfterMs) => ({ commitAfterMs })),
  fc.constant({ ok: false, kind: 'not-sent', message: 'refused' } as const),
  fc.constant({ ok: false, kind: 'throttled', retryAfterMs: 30_000, message: 'slowly' } as const),
);

test('whatever fails and however often, there is one incident (partial failure)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 8 }), fc.array(fc.nat(6), { maxLength: 3 }), async (faults, ends) => {
      const { take, pass, rows, table, store } = await stage();
      // The first incident is visible, as it is wherever a device has breached before.
      await take(anomaly({ metric: 'humidity' }));
      for (const one of faults) {
        if (one !== 'none') table.writeFaults.push(one satisfies WriteFault);
        else table.writeFaults.push({ ok: false, kind: 'not-sent', message: 'away' });
      }
      // Functions that end while they store what they did.
      const { save } = store;
      let saves = 0;
      store.save = async (state, version) => {
        saves += 1;
        if (ends.includes(saves)) throw new Error('the function was ended');
        return save(state, version);
      };
      for (const message of breach(1)) {
        // SQS sends it again, the minute's function comes by.
        while ((await take(message).catch(() => 'ended')) === 'ended') await pass(60_000).catch(() => undefined);
      }
      for (let minute = 0; minute < 60; minute += 1) await pass(60_000).catch(() => undefined);
      const own = rows().filter(({ correlationId }) => correlationId.includes('temperature'));
      expect(own).toMatchObject([{ state: 'resolved' }]);
      const marks = own[0]?.workNotes.split(`[${fired().id}:3]`).length;
      expect(marks).toBe(2);
    }),
    { numRuns: 150 },
  );
});

const readFault = fc.oneof(
  { weight: 2, arbitrary: fc.constant('none' as const) },
  fc.constant({ ok: false, kind: 'not-sent', message: 'connection refused' } as const),
  fc.constant({ ok: false, kind: 'ambiguous', message: 'timed out' } as const),
  fc.constant({ ok: false, kind: 'throttled', retryAfterMs: 10_000, message: 'slowly' } as const),
);

test('however calls that tell one key at once are interleaved, and whatever fails of them, there is one incident', async () => {
  const late = fc.integer({ min: 30_000, max: 80_000 }).map((commitAfterMs) => ({ commitAfterMs }));
  const schedules = fc.tuple(
    fc.array(readFault, { maxLength: 6 }),
    fc.array(fc.oneof(late, fault), { minLength: 1, maxLength: 3 }),
    fc.nat(1),
  );
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), schedules, async (scheduler, [readFaults, writeFaults, more]) => {
      const { take, pass, time, table, store, call } = await stage();
      await take(anomaly({ metric: 'humidity' }));
      // The key waits for its turn.
      await store.pause(time.wallMs() + 1_000, 'busy');
      await take(fired());
      time.advance(1_000);
      table.writeFaults.push(...writeFaults.filter((one) => one !== 'none'));
      let isInterleaved = true;
      const others = async () => void (isInterleaved && (await scheduler.schedule(Promise.resolve())));
      const { find, create, update } = { ...table };
      const { load, save } = { ...store };
      table.find = async (query) => {
        const fails = readFaults.shift() ?? 'none';
        const answer = await find(query);
        await others();
        return fails === 'none' ? answer : fails;
      };
      table.create = async (...asked) => {
        const answer = await create(...asked);
        await others();
        return answer;
      };
      table.update = async (...asked) => {
        const answer = await update(...asked);
        await others();
        return answer;
      };
      store.load = async (key) => {
        await others();
        return load(key);
      };
      store.save = async (state, version) => {
        await others();
        return save(state, version);
      };
      const ticks = async () => {
        for (let tick = 0; tick < 8; tick += 1) {
          await others();
          time.advance(5_000);
        }
      };
      const minutes = async () => {
        for (let minute = 0; minute < 4; minute += 1)
          await call()
            .tellDue()
            .catch(() => undefined);
      };
      const consumer = () => take(updated());
      const calls = [minutes, minutes, consumer].slice(0, 2 + more);
      await scheduler.waitFor(Promise.allSettled([...calls.map((one) => one()), ticks()]));
      isInterleaved = false;
      await pass(20 * 60_000);
      await take(resolved());
      await pass(20 * 60_000);
      // Also those that were canceled: a double that is repaired was one.
      expect(table.rows.filter(({ correlationId }) => correlationId.includes('temperature'))).toMatchObject([
        { state: 'resolved' },
      ]);
    }),
    { numRuns: 200 },
  );
});

test('a look-up that fails leaves the attempt of another function as it is', async () => {
  const { store, table, call, time, take } = await stage();
  await take(anomaly({ metric: 'humidity' }));
  await store.pause(time.wallMs() + 1_000, 'busy');
  await take(fired());
  time.advance(1_000);
  const attempt = () => JSON.parse(store.keys.get('hall-2/press-4/temperature/upper')?.text ?? '{}').attempt;
  let fail: () => void = () => undefined;
  const { find } = { ...table };
  const hangs = new Promise<void>((resolve) => {
    table.find = async () => {
      resolve();
      await new Promise<void>((failed) => {
        fail = failed;
      });
      return { ok: false, kind: 'not-sent', message: 'connection refused' };
    };
  });
  const first = call().tellDue();
  await hangs;
  table.find = find;
  table.writeFaults.push({ commitAfterMs: 40_000 });
  await call().tellDue();
  const stored = attempt();
  expect(stored).not.toBeNull();
  fail();
  await first;
  expect(attempt()).toEqual(stored);
});

test('of two functions that tell one key at once one opens its incident', async () => {
  const { store, table, call, time, rows, pass } = await stage();
  // The first hears of it while nothing may be told.
  await store.pause(time.wallMs() + 1_000, 'busy');
  await call().take(fired());
  time.advance(1_000);
  await Promise.all([call().tellDue(), call().tellDue(), call().take(updated())]);
  expect(table.calls.create).toBe(1);
  await pass(60_000);
  expect(rows()).toHaveLength(1);
});
