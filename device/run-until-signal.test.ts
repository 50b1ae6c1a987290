import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { AppError } from './platform/errors.ts';
import { silentLogger } from './platform/logger.ts';
import { manualTime } from './platform/time.ts';
import { runUntilSignal } from './run-until-signal.ts';
import { createRuntime } from './runtime.ts';

function world() {
  const emitter = new EventEmitter();
  const time = manualTime();
  const seen = { exits: [] as number[], stderr: '', stopped: 0 };
  const host = Object.assign(emitter, {
    exit: (code: number) => void seen.exits.push(code),
    stderr: { write: (text: string) => (seen.stderr += text) },
  });
  const runtime = createRuntime({ time, logger: silentLogger });
  const part = {
    stop: () => {
      seen.stopped += 1;
    },
  };
  return { host, seen, runtime, part, time, signal: (name: 'SIGINT' | 'SIGTERM') => emitter.emit(name, name) };
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s stops the runtime and leaves with 0', async (name) => {
  const { host, seen, runtime, part, signal } = world();
  const done = runUntilSignal(runtime, async () => void (await runtime.start('part', part)), host);
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(seen).toMatchObject({ exits: [], stopped: 0 });
  signal(name);
  await done;
  expect(seen).toEqual({ exits: [0], stderr: '', stopped: 1 });
  expect(host.listenerCount(name)).toBe(0);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second signal (%s) ends at once with %i', async (name, code) => {
  const { host, seen, runtime, signal } = world();
  void runUntilSignal(
    runtime,
    async () => void (await runtime.start('hanging', { stop: () => new Promise(() => {}) })),
    host,
  );
  signal('SIGTERM');
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(seen.exits).toEqual([]);
  signal(name);
  expect(seen.exits).toEqual([code]);
});

test('a signal while parts are starting stops what is there', async () => {
  const { host, seen, runtime, part, signal } = world();
  const done = runUntilSignal(
    runtime,
    async () => {
      await runtime.start('part', part);
      await runtime.start('slow', { start: () => new Promise(() => {}), stop: () => {} });
      return undefined;
    },
    host,
  );
  await new Promise<void>((resolve) => setImmediate(resolve));
  signal('SIGINT');
  await done;
  expect(seen).toEqual({ exits: [0], stderr: '', stopped: 1 });
});

test('a program that ends by itself is stopped and gives its code', async () => {
  const { host, seen, runtime, part } = world();
  await runUntilSignal(
    runtime,
    async () => {
      await runtime.start('part', part);
      return 3;
    },
    host,
  );
  expect(seen).toEqual({ exits: [3], stderr: '', stopped: 1 });
});

test('what cannot start is one sentence and exit code 1', async () => {
  const { host, seen, runtime } = world();
  const run = () =>
    runtime.start('broker', {
      start: () => Promise.reject(new AppError('port-in-use', 'Port 1 is in use.')),
      stop: () => {},
    });
  await runUntilSignal(runtime, async () => void (await run()), host);
  expect(seen).toEqual({ exits: [1], stderr: 'Broker did not start. Port 1 is in use.\n', stopped: 0 });
});

test('a bug shows its stack', async () => {
  const { host, seen, runtime } = world();
  await runUntilSignal(runtime, () => Promise.reject(new TypeError('not a function')), host);
  expect(seen.exits).toEqual([1]);
  expect(seen.stderr).toMatch(/TypeError: not a function\n {4}at /);
});

test('a part that fails to stop is told, and 0 becomes 1', async () => {
  const { host, seen, runtime, signal } = world();
  const part = { stop: () => Promise.reject(new Error('disk is gone')) };
  const done = runUntilSignal(runtime, async () => void (await runtime.start('store', part)), host);
  signal('SIGTERM');
  await done;
  expect(seen).toMatchObject({ exits: [1], stderr: 'Store failed to stop: disk is gone\n' });
});
