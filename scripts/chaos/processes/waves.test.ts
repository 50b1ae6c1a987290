import { afterEach, expect, test, vi } from 'vitest';
import { createWaves } from './waves.ts';

afterEach(() => void vi.useRealTimers());

/** A device that has been heard to be calm, and begins to breach now. */
function breaching() {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 5) });
  let celsius = 0;
  const publish = (_deviceId: string, now: number) => {
    celsius = now;
  };
  const waves = createWaves({ devices: ['a'], random: () => 0, nowMs: Date.now, publish });
  const hear = (seq: number) => {
    const reading = { deviceId: 'a', ts: new Date().toISOString(), seq, metrics: { temperature: celsius } };
    waves.heard(Buffer.from(JSON.stringify(reading)));
  };
  waves.start();
  for (const seq of [0, 1]) {
    vi.advanceTimersByTime(50);
    hear(seq);
  }
  waves.begin();
  vi.advanceTimersByTime(50);
  expect(waves.isHot()).toBe(true);
  return { waves, hear, turnedAtMs: Date.now() };
}

test('a turn that is on its way is not seen, until the monitor has published a reading since', () => {
  const { waves, hear, turnedAtMs } = breaching();
  vi.advanceTimersByTime(20);
  expect(waves.seenUntilMs()('a')).toBe(turnedAtMs);
  hear(2);
  expect(waves.seenUntilMs()('a')).toBe(Date.now());
  waves.stop();
});

test('a device waits for two readings of one run of the monitor: one may go out before the breach is written', () => {
  const { waves, hear } = breaching();
  waves.calm();
  for (const { seq, isHot } of [
    { seq: 2, isHot: true },
    { seq: 0, isHot: true },
    { seq: 0, isHot: true },
    { seq: 1, isHot: false },
  ]) {
    hear(seq);
    vi.advanceTimersByTime(1_000);
    expect(waves.isHot()).toBe(isHot);
  }
  waves.stop();
});
