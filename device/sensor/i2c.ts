import { codeOf } from '../platform/errors.ts';
import { sleep, type Time } from '../platform/time.ts';
import type { I2cBus } from './i2c/bus.ts';
import { type Calibration, readHts221, startHts221 } from './i2c/hts221.ts';
import { readLps25h, startLps25h } from './i2c/lps25h.ts';
import { type Failure, ioFailure } from './io-failure.ts';
import type { ReadResult, Sensor } from './sensor.ts';

export interface I2cOptions {
  bus: I2cBus;
  /** Name of the bus, for messages: `/dev/i2c-1`. */
  device: string;
  time: Time;
}

/** How often a chip is asked whether it has a new value. It makes one a second. */
const pollMs = 50;
/** A chip that has made no value for so long does not measure. */
const notReadyAfterMs = 1_500;

const advice = {
  'not-found': 'Enable I²C (raspi-config nonint do_i2c 0) and check that the Sense HAT sits on its pins.',
  'no-permission': 'Put the user that runs this into the group i2c (for Greengrass: usermod -aG i2c ggc_user).',
  busy: 'The kernel’s driver holds the chip: set sensor.kind=iio.',
};

interface Open {
  is: 'open';
  calibration: Calibration;
  /** Whether the LPS25H is there. */
  pressure: boolean;
}

/**
 * The Sense HAT's HTS221 (temperature, humidity) and LPS25H (pressure; may be missing) by their registers.
 *
 * | state  | a read …                                   | a failure …                                              |
 * |--------|--------------------------------------------|----------------------------------------------------------|
 * | closed | opens the bus, checks and starts the chips | leaves it closed                                         |
 * | open   | waits for new values and converts them     | closes it: a chip that lost its power has to be started  |
 */
export function createI2cSensor({ bus, device, time }: I2cOptions): Sensor {
  let state: { is: 'closed' } | Open = { is: 'closed' };

  async function read(signal: AbortSignal): Promise<ReadResult> {
    const result = await attempt(signal).catch((error: unknown) => ioFailure(`i2c: ${device}`, error, advice));
    if (!result.ok && state.is === 'open') await close();
    return result;
  }

  async function attempt(signal: AbortSignal): Promise<ReadResult> {
    const chips = state.is === 'open' ? state : await open();
    if ('ok' in chips) return chips;
    state = chips;
    const { calibration, pressure } = chips;
    const air = await polled(() => readHts221(bus, calibration), signal);
    if (air === undefined) return failure('not-ready', 'the HTS221 makes no values');
    if (!pressure) return { ok: true, metrics: air };
    const hPa = await polled(() => readLps25h(bus), signal);
    if (hPa === undefined) return failure('not-ready', 'the LPS25H makes no values');
    return { ok: true, metrics: { ...air, pressure: hPa } };
  }

  async function open(): Promise<Open | Failure> {
    try {
      await bus.open();
      const calibration = await startHts221(bus);
      if (typeof calibration === 'string') {
        await bus.close();
        return failure('not-found', calibration);
      }
      return { is: 'open', calibration, pressure: await startLps25h(bus).catch(isAbsent) };
    } catch (error) {
      await bus.close().catch(() => undefined);
      if (noAnswer(error)) return failure('not-found', `no chip answers. ${advice['not-found']}`);
      return ioFailure(`i2c: ${device}`, error, advice);
    }
  }

  async function close(): Promise<void> {
    state = { is: 'closed' };
    // Whatever closing says, the bus is opened anew by the next read.
    await bus.close().catch(() => undefined);
  }

  /** Asks until there is a value; undefined when there was none for too long, or the read was given up. */
  async function polled<Value>(ask: () => Promise<Value | undefined>, signal: AbortSignal): Promise<Value | undefined> {
    for (const beganMs = time.monotonicMs(); !signal.aborted && time.monotonicMs() - beganMs <= notReadyAfterMs; ) {
      const value = await ask();
      if (value !== undefined) return value;
      await sleep(time, pollMs, signal);
    }
    return undefined;
  }

  const failure = (reason: Failure['reason'], what: string): Failure => ({
    ok: false,
    reason,
    message: `i2c: ${device}: ${what}`,
  });

  return {
    kind: 'i2c',
    describe() {
      if (state.is === 'closed') return `i2c: ${device}`;
      return `i2c: ${device} (HTS221 at 0x5f${state.pressure ? ', LPS25H at 0x5c' : ', no LPS25H'})`;
    },
    async start() {},
    read,
    stop: close,
  };
}

/** No chip acknowledged its address. Which of the codes it is depends on the bus's driver. */
function noAnswer(error: unknown): boolean {
  return ['EREMOTEIO', 'ENXIO'].includes(codeOf(error) ?? '');
}

function isAbsent(error: unknown): false {
  if (noAnswer(error)) return false;
  throw error;
}
