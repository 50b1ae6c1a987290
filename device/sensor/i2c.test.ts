import { describe, expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import { memoryBus } from './i2c/memory-bus.ts';
import { createI2cSensor } from './i2c.ts';
import type { ReadResult } from './sensor.ts';

function bench() {
  const bus = memoryBus();
  const time = manualTime();
  const sensor = createI2cSensor({ bus, device: '/dev/i2c-1', time });
  return {
    bus,
    sensor,
    register(address: number, register: number, value: number) {
      const chip = bus.chips.get(address);
      if (chip !== undefined) chip[register] = value;
    },
    /** Reads, with the clock running meanwhile. */
    async read(during?: () => void): Promise<ReadResult> {
      let result: ReadResult | undefined;
      const reading = sensor.read(new AbortController().signal).then((value) => {
        result = value;
      });
      for (let turn = 0; turn < 1_000 && result === undefined; turn += 1) {
        if (turn === 20) during?.();
        await new Promise((resolve) => setImmediate(resolve));
        time.advance(10);
      }
      await reading;
      if (result === undefined) throw new Error('the read does not end');
      return result;
    },
  };
}

const believed = { temperature: expect.closeTo(22.79, 2), humidity: expect.closeTo(50.903, 2), pressure: 1_021 };

describe('createI2cSensor', () => {
  test('starts the chips and converts what they measured', async () => {
    const { bus, sensor, read } = bench();
    expect(await read()).toEqual({ ok: true, metrics: believed });
    expect(bus.chips.get(0x5f)?.[0x20]).toBe(0x85);
    expect(bus.chips.get(0x5f)?.[0x10]).toBe(0x1b);
    expect(bus.chips.get(0x5c)?.[0x20]).toBe(0x94);
    expect(sensor.describe()).toBe('i2c: /dev/i2c-1 (HTS221 at 0x5f, LPS25H at 0x5c)');
    expect(await read()).toEqual({ ok: true, metrics: believed });
    expect(bus.opened).toBe(1);
  });

  test('waits until STATUS says that both values are there', async () => {
    const { register, read } = bench();
    register(0x5f, 0x27, 0b01);
    register(0x5f, 0x28, 0);
    const ready = () => {
      register(0x5f, 0x28, 0x90);
      register(0x5f, 0x27, 0b11);
    };
    expect(await read(ready)).toEqual({ ok: true, metrics: believed });
  });

  test('a chip that never gets ready is not-ready, not a value', async () => {
    const { register, read } = bench();
    register(0x5f, 0x27, 0);
    expect(await read()).toMatchObject({ ok: false, reason: 'not-ready', message: expect.stringContaining('HTS221') });
  });

  test('an LPS25H that is missing costs the pressure alone', async () => {
    const { bus, sensor, read } = bench();
    bus.chips.delete(0x5c);
    expect(await read()).toEqual({
      ok: true,
      metrics: { temperature: believed.temperature, humidity: believed.humidity },
    });
    expect(sensor.describe()).toContain('no LPS25H');
  });

  test.each([
    ['ENOENT', 'not-found', 'raspi-config'],
    ['EACCES', 'no-permission', 'group i2c'],
  ])('%s at opening is %s and says what to do', async (code, reason, advice) => {
    const { bus, read } = bench();
    bus.errors.open = code;
    expect(await read()).toMatchObject({ ok: false, reason, message: expect.stringContaining(advice) });
  });

  test.each([
    ['EREMOTEIO', 'not-found', 'no chip answers'],
    ['ENXIO', 'not-found', 'no chip answers'],
    ['EBUSY', 'busy', 'sensor.kind=iio'],
    ['ETIMEDOUT', 'timeout', 'ETIMEDOUT'],
    ['EIO', 'io-error', 'EIO'],
  ])('%s at the first transfer is %s', async (code, reason, words) => {
    const { bus, read } = bench();
    bus.errors.transfer = code;
    expect(await read()).toMatchObject({ ok: false, reason, message: expect.stringContaining(words) });
  });

  test('a failure in between is a fault; the next read starts the chips again', async () => {
    const { bus, register, read } = bench();
    await read();
    bus.errors.transfer = 'EREMOTEIO';
    expect(await read()).toMatchObject({ ok: false, reason: 'io-error' });
    delete bus.errors.transfer;
    register(0x5f, 0x20, 0);
    expect(await read()).toEqual({ ok: true, metrics: believed });
    expect(bus.chips.get(0x5f)?.[0x20]).toBe(0x85);
    expect(bus.opened).toBe(2);
  });

  test('another chip at the address, or an unusable calibration, is told and not read', async () => {
    const { register, read } = bench();
    register(0x5f, 0x0f, 0x33);
    expect(await read()).toMatchObject({ ok: false, reason: 'not-found', message: expect.stringContaining('0x33') });
    register(0x5f, 0x0f, 0xbc);
    for (let address = 0x30; address < 0x40; address += 1) register(0x5f, address, 7);
    expect(await read()).toMatchObject({ ok: false, message: expect.stringContaining('calibration') });
  });

  test('a read that is given up ends', async () => {
    const { register, sensor } = bench();
    register(0x5f, 0x27, 0);
    const out = new AbortController();
    const reading = sensor.read(out.signal);
    await new Promise((resolve) => setImmediate(resolve));
    out.abort();
    expect(await reading).toMatchObject({ ok: false, reason: 'not-ready' });
  });
});
