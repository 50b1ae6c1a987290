import { afterEach, expect, test, vi } from 'vitest';
import { createWaves } from './waves.ts';

afterEach(() => void vi.useRealTimers());

test('a turn that is on its way is not seen, until the monitor has published a reading since', () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 5) });
  let celsius = 0;
  const publish = (_deviceId: string, now: number) => {
    celsius = now;
  };
  const waves = createWaves({ devices: ['a'], random: () => 0, nowMs: Date.now, publish });
  const hear = () => {
    const reading = { deviceId: 'a', ts: new Date().toISOString(), metrics: { temperature: celsius } };
    waves.heard(Buffer.from(JSON.stringify(reading)));
  };
  const beat = () => vi.advanceTimersByTime(50);
  waves.start();
  for (let calm = 0; calm < 2; calm += 1) {
    beat();
    hear();
  }
  expect(waves.seenUntilMs()('a')).toBe(Date.now());

  waves.begin();
  beat();
  const turnedAtMs = Date.now();
  expect(waves.isHot()).toBe(true);
  vi.advanceTimersByTime(20);
  expect(waves.seenUntilMs()('a')).toBe(turnedAtMs);
  hear();
  expect(waves.seenUntilMs()('a')).toBe(Date.now());
  waves.stop();
});
