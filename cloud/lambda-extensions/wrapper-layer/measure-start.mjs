// Runs in the process of the function, before its code: says how long that took to load, which X-Ray only shows in sum.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 20 });
delay.enable();
const preloadedAt = performance.now();

setImmediate(function look() {
  // The runtime has put the function's module in place when the event loop turns for the first time after it.
  console.log(
    JSON.stringify({
      level: 'INFO',
      message: 'internal extension: the runtime has started',
      pid: process.pid,
      sinceProcessMs: Math.round(preloadedAt),
      longestBlockMs: Math.round(delay.max / 1e6),
    }),
  );
  delay.disable();
});
