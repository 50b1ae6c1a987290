import { expect, test } from 'vitest';
import { createDeviceWatch } from './device-watch.ts';

const minuteMs = 60_000;
const wallMs = Date.parse('2026-03-01T12:00:00Z');
const aheadMs = 3 * 24 * 60 * minuteMs;

test.each([
  { isLive: true, eventMs: wallMs + 6 * minuteMs },
  { isLive: false, eventMs: wallMs + aheadMs + 6 * minuteMs },
])('after a reboot an earlier time is the last word where it is said live ($isLive)', ({ isLive, eventMs }) => {
  const watch = createDeviceWatch({ deviceSilentMs: 5 * minuteMs, maxDevices: 10 });
  watch.heard('home', 'pi', { atMs: wallMs + aheadMs, boot: { id: 'first', monotonicMs: minuteMs }, isLive: true }, 0);
  watch.heard('home', 'pi', { atMs: wallMs, boot: { id: 'second', monotonicMs: minuteMs }, isLive }, 0);
  expect(watch.eventTime('home', 'pi', 6 * minuteMs, wallMs)).toBe(eventMs);
});
