import { describe, expect, test } from 'vitest';
import { pacedTime } from './paced-time.ts';
import { type ManualTime, manualTime, systemTime } from './time.ts';

const noWork = async () => {};

/** Lets the loop under test come to its next wait. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function turn(real: ManualTime, ms: number): Promise<void> {
  real.advance(ms);
  await settled();
}

describe('pacedTime', () => {
  test('at speed max it goes from timer to timer without waiting and keeps wall and monotonic time together', async () => {
    const start = Date.parse('2015-08-22T10:00:00Z');
    const paced = pacedTime({ startWallMs: start, speed: 'max', idle: noWork, real: systemTime });
    const seen: number[] = [];
    const tick = () => {
      seen.push(paced.time.wallMs() - start);
      if (seen.length < 5) paced.time.after(3_600_000, tick);
      else paced.stop();
    };
    paced.time.after(3_600_000, tick);
    await paced.run(new AbortController().signal);
    expect(seen).toEqual([1, 2, 3, 4, 5].map((hour) => hour * 3_600_000));
    expect(paced.time.monotonicMs()).toBe(5 * 3_600_000);
  });

  test('it moves on only when the work of the present instant is done', async () => {
    let finish = () => {};
    let work = Promise.resolve();
    const paced = pacedTime({ startWallMs: 0, speed: 'max', idle: () => work, real: systemTime });
    const seen: string[] = [];
    paced.time.after(10, () => {
      seen.push('first');
      work = new Promise((resolve) => {
        finish = () => {
          seen.push('work done');
          resolve();
        };
      });
    });
    paced.time.after(11, () => {
      seen.push('second');
      paced.stop();
    });
    const run = paced.run(new AbortController().signal);
    await settled();
    expect(seen).toEqual(['first']);
    finish();
    await run;
    expect(seen).toEqual(['first', 'work done', 'second']);
  });

  test('at speed 60 a virtual minute takes a second, and the clock runs on between timers', async () => {
    const real = manualTime();
    const paced = pacedTime({ startWallMs: 0, speed: 60, idle: noWork, real });
    const seen: number[] = [];
    paced.time.after(60_000, () => seen.push(paced.time.wallMs()));
    const ended = new AbortController();
    const run = paced.run(ended.signal);
    await settled();
    await turn(real, 500);
    expect(seen).toEqual([]);
    expect(paced.time.wallMs()).toBe(30_000);
    await turn(real, 500);
    expect(seen).toEqual([60_000]);
    ended.abort();
    await turn(real, 1_000);
    await run;
  });

  test('a timer that is added during a wait and is earlier runs at its own instant', async () => {
    const real = manualTime();
    const paced = pacedTime({ startWallMs: 0, speed: 10, idle: noWork, real });
    const seen: string[] = [];
    paced.time.after(10_000, () => seen.push(`late at ${paced.time.monotonicMs()}`));
    const ended = new AbortController();
    const run = paced.run(ended.signal);
    await settled();
    await turn(real, 100);
    paced.time.after(2_000, () => seen.push(`early at ${paced.time.monotonicMs()}`));
    await settled();
    await turn(real, 200);
    expect(seen).toEqual(['early at 3000']);
    await turn(real, 700);
    expect(seen).toEqual(['early at 3000', 'late at 10000']);
    ended.abort();
    await turn(real, 10);
    await run;
  });

  test('an abort ends a wait', async () => {
    const paced = pacedTime({ startWallMs: 0, speed: 1, idle: noWork, real: manualTime() });
    paced.time.after(1_000, () => expect.unreachable());
    const ended = new AbortController();
    const run = paced.run(ended.signal);
    await settled();
    ended.abort();
    await run;
  });

  test('what a timer throws ends the run with it', async () => {
    const paced = pacedTime({ startWallMs: 0, speed: 'max', idle: noWork, real: systemTime });
    paced.time.after(1, () => {
      throw new Error('a bug');
    });
    await expect(paced.run(new AbortController().signal)).rejects.toThrow('a bug');
  });

  test('55,000 timers, half of them cancelled beforehand, take a few seconds at most', async () => {
    const paced = pacedTime({ startWallMs: 0, speed: 'max', idle: noWork, real: systemTime });
    let ran = 0;
    for (let index = 0; index < 55_000; index += 1) {
      const timer = paced.time.after(1_000 + ((index * 7_919) % 55_000), () => {
        ran += 1;
      });
      if (index % 2 === 0) timer.cancel();
    }
    paced.time.after(60_000, () => paced.stop());
    const began = performance.now();
    await paced.run(new AbortController().signal);
    expect(ran).toBe(27_500);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
