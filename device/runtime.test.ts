import { expect, test } from 'vitest';
import { AppError } from './platform/errors.ts';
import { silentLogger } from './platform/logger.ts';
import { manualTime } from './platform/time.ts';
import { createRuntime, type Part } from './runtime.ts';

function world() {
  const time = manualTime();
  const events: string[] = [];
  const part = (name: string): Part => ({
    start: () => events.push(`start ${name}`),
    stop: () => events.push(`stop ${name}`),
  });
  return { time, events, part, runtime: createRuntime({ time, logger: silentLogger }) };
}

/** Lets everything that is ready run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const never = new Promise<never>(() => {});

test('stops parts in the opposite order of their start, once', async () => {
  const { runtime, events, part } = world();
  await runtime.start('one', part('one'));
  await runtime.open('two', () => part('two'));
  await runtime.start('three', part('three'));
  const [first, second] = await Promise.all([runtime.stop(), runtime.stop()]);
  expect(first).toEqual({ problems: [] });
  expect(second).toBe(first);
  expect(events).toEqual(['start one', 'start three', 'stop three', 'stop two', 'stop one']);
});

test('hands back what was started', async () => {
  const { runtime, part } = world();
  const one = part('one');
  expect(await runtime.start('one', one)).toBe(one);
  expect(await runtime.open('server', () => ({ url: 'http://x', stop: () => {} }))).toMatchObject({ url: 'http://x' });
});

test('a failure in a start stops what was started, the failed part too, and names the part', async () => {
  const { runtime, events, part } = world();
  await runtime.start('broker', part('broker'));
  const cause = new AppError('port-in-use', 'Port 1883 is in use.');
  const failing: Part = { ...part('handler'), start: () => Promise.reject(cause) };
  const failure = await runtime.start('handler', failing).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AppError);
  expect(failure).toMatchObject({
    reason: 'start-failed',
    message: 'Handler did not start. Port 1883 is in use.',
    cause,
  });
  expect(events).toEqual(['start broker', 'stop handler', 'stop broker']);
});

test('a runtime inside a part tells which of its parts failed, once', async () => {
  const { runtime, time } = world();
  const inner = createRuntime({ time, logger: silentLogger });
  const cause = new AppError('port-in-use', 'Port 9102 is in use.');
  const failing = { start: () => inner.start('health', { start: () => Promise.reject(cause), stop() {} }), stop() {} };
  await expect(runtime.start('monitor', failing)).rejects.toThrow(/^Health did not start\. Port 9102 is in use\.$/);
});

test('what could not be opened is not stopped; what stands is', async () => {
  const { runtime, events, part } = world();
  await runtime.open('store', () => part('store'));
  const opening = runtime.open('console', () => Promise.reject(new Error('no room')));
  await expect(opening).rejects.toThrow('Console did not start. no room');
  expect(events).toEqual(['stop store']);
});

test('starts nothing once it stops', async () => {
  const { runtime, events, part } = world();
  await runtime.stop();
  await expect(runtime.start('late', part('late'))).rejects.toMatchObject({ reason: 'stopping' });
  await expect(runtime.open('later', () => part('later'))).rejects.toMatchObject({ reason: 'stopping' });
  expect(events).toEqual([]);
});

test('a stop during a start tells the part by its signal, stops it, and fails the start', async () => {
  const { runtime, events } = world();
  const starting = runtime.start('sensor', {
    start: (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    stop: () => events.push('stop sensor'),
  });
  const refused = expect(starting).rejects.toMatchObject({ reason: 'stopping' });
  expect(await runtime.stop()).toEqual({ problems: [] });
  await refused;
  expect(events).toEqual(['stop sensor']);
});

test('what is still being opened at a stop is stopped once it is there', async () => {
  const { runtime, events, part } = world();
  const gate = { open: () => {} };
  const opening = runtime.open('store', async () => {
    await new Promise<void>((resolve) => {
      gate.open = resolve;
    });
    return part('store');
  });
  const refused = expect(opening).rejects.toMatchObject({ reason: 'stopping' });
  const stopped = runtime.stop();
  gate.open();
  expect(await stopped).toEqual({ problems: [] });
  await refused;
  expect(events).toEqual(['stop store']);
});

test('a part that hangs is left after its limit, one that fails is told; the others are stopped all the same', async () => {
  const { runtime, time, events, part } = world();
  await runtime.start('lowest', part('lowest'));
  await runtime.start('failing', { stop: () => Promise.reject(new Error('disk is gone')) });
  await runtime.start('hanging', { stop: () => never });
  const stopped = runtime.stop();
  await settle();
  expect(events).toEqual(['start lowest']);
  time.advance(1_499);
  await settle();
  expect(events).toEqual(['start lowest']);
  time.advance(1);
  expect(await stopped).toEqual({
    problems: ['Hanging did not stop within 1500 ms.', 'Failing failed to stop: disk is gone'],
  });
  expect(events).toEqual(['start lowest', 'stop lowest']);
});

test('the whole stop is bounded: when the time is up the rest is asked to stop and not waited for', async () => {
  const { runtime, time, events } = world();
  const lowest = async () => {
    events.push('stop lowest');
    await never;
  };
  await runtime.start('lowest', { stop: lowest });
  await runtime.start('middle', { stop: () => never });
  await runtime.start('highest', { stop: () => never });
  const stopped = runtime.stop();
  for (let ms = 0; ms < 2_000; ms += 100) {
    time.advance(100);
    await settle();
  }
  time.advance(0);
  expect((await stopped).problems).toEqual([
    'Highest did not stop within 1500 ms.',
    'Middle did not stop within 500 ms.',
    'Lowest did not stop within 0 ms.',
  ]);
  expect(events).toEqual(['stop lowest']);
});

test('leaves no timer behind', async () => {
  const { runtime, time, part } = world();
  await runtime.start('one', part('one'));
  await runtime.stop();
  expect(time.nextTimerAt()).toBeUndefined();
});
