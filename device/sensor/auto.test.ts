import { describe, expect, test } from 'vitest';
import { createAutoSensor } from './auto.ts';
import type { ReadResult, Sensor } from './sensor.ts';

const value: ReadResult = { ok: true, metrics: { temperature: 20 } };
const absent: ReadResult = { ok: false, reason: 'not-found', message: 'no chip' };
const held: ReadResult = { ok: false, reason: 'busy', message: 'the kernel holds it' };

function way(kind: string, answers: ReadResult[]): Sensor & { reads: number } {
  const sensor = {
    kind,
    reads: 0,
    describe: () => `${kind}: here`,
    start: async () => {},
    async read() {
      sensor.reads += 1;
      return answers[Math.min(sensor.reads, answers.length) - 1] ?? absent;
    },
    stop: async () => {},
  };
  return sensor;
}

const read = (sensor: Sensor) => sensor.read(new AbortController().signal);

describe('createAutoSensor', () => {
  test('takes the first way that answers, keeps to it, and says why', async () => {
    const iio = way('iio', [absent]);
    const i2c = way('i2c', [value]);
    const auto = createAutoSensor([iio, i2c]);
    expect(auto.describe()).toBe('auto: iio, then i2c');
    expect(await read(auto)).toBe(value);
    expect(await read(auto)).toBe(value);
    expect([iio.reads, i2c.reads]).toEqual([1, 2]);
    expect(auto.describe()).toBe('auto: i2c: here, because it answers; no chip');
  });

  test('does not touch the second way while the first answers', async () => {
    const i2c = way('i2c', [value]);
    const auto = createAutoSensor([way('iio', [value, held, value]), i2c]);
    expect(await read(auto)).toBe(value);
    expect(await read(auto)).toBe(held);
    expect(await read(auto)).toBe(value);
    expect(i2c.reads).toBe(0);
    expect(auto.describe()).toContain('it is preferred');
  });

  test('where none answers, the fault names every refusal, and the next read tries again', async () => {
    const auto = createAutoSensor([way('iio', [absent]), way('i2c', [held, value])]);
    expect(await read(auto)).toEqual({
      ok: false,
      reason: 'busy',
      message: 'auto: no sensor answers. no chip | the kernel holds it',
    });
    expect(await read(auto)).toBe(value);
  });

  test('a way that is gone gives up its place', async () => {
    const auto = createAutoSensor([way('iio', [value, absent, absent]), way('i2c', [value])]);
    await read(auto);
    expect(await read(auto)).toBe(value);
    expect(auto.describe()).toContain('i2c');
  });
});
