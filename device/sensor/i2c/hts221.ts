import { autoIncrement, type I2cBus, int16 } from './bus.ts';

/** Registers and bits. Source: ST, HTS221 datasheet (DocID026333), chapters 6 to 8. */
export const hts221 = {
  address: 0x5f,
  whoAmI: 0x0f,
  identity: 0xbc,
  avConf: 0x10,
  /** 16 temperature and 32 humidity samples for each value. */
  averages: 0x1b,
  ctrl1: 0x20,
  /** On, values not updated while they are read, one a second. */
  onAtOneHertz: 0x85,
  status: 0x27,
  /** Temperature and humidity are there. */
  ready: 0b11,
  humidityOut: 0x28,
  calibration: 0x30,
} as const;

export interface Calibration {
  temperature: Line;
  humidity: Line;
}

/** A straight line through two points that the factory measured: chip's output → value. */
interface Line {
  outputs: readonly [number, number];
  values: readonly [number, number];
}

/** The 16 calibration bytes from 0x30; undefined when two points are equal, which no line goes through. */
export function calibrationOf(bytes: Uint8Array): Calibration | undefined {
  const byte = (register: number) => bytes[register - hts221.calibration] ?? 0;
  const output = (register: number) => int16(bytes, register - hts221.calibration);
  const highBits = byte(0x35);
  const calibration: Calibration = {
    humidity: { values: [byte(0x30) / 2, byte(0x31) / 2], outputs: [output(0x36), output(0x3a)] },
    temperature: {
      values: [(((highBits & 0b0011) << 8) | byte(0x32)) / 8, (((highBits & 0b1100) << 6) | byte(0x33)) / 8],
      outputs: [output(0x3c), output(0x3e)],
    },
  };
  const usable = (line: Line) => line.outputs[0] !== line.outputs[1] && line.values[0] !== line.values[1];
  return usable(calibration.humidity) && usable(calibration.temperature) ? calibration : undefined;
}

/** The value for an output, beyond the two points too. All outputs are signed. */
export function onLine({ outputs, values }: Line, output: number): number {
  return values[0] + ((output - outputs[0]) * (values[1] - values[0])) / (outputs[1] - outputs[0]);
}

/** Switches the chip on. Answers its calibration, or in words what is wrong with the chip. */
export async function startHts221(bus: I2cBus): Promise<Calibration | string> {
  const { address, whoAmI, identity, avConf, averages, ctrl1, onAtOneHertz, calibration } = hts221;
  const [answered] = await bus.read(address, whoAmI, 1);
  if (answered !== identity)
    return `the chip at 0x5f is no HTS221 (it says 0x${(answered ?? 0).toString(16)}, not 0xbc)`;
  await bus.write(address, avConf, averages);
  await bus.write(address, ctrl1, onAtOneHertz);
  const found = calibrationOf(await bus.read(address, calibration | autoIncrement, 16));
  return found ?? 'the calibration of the HTS221 is unusable: two of its points are equal';
}

/** °C and %RH, or undefined while the chip has no new values. */
export async function readHts221(
  bus: I2cBus,
  calibration: Calibration,
): Promise<{ temperature: number; humidity: number } | undefined> {
  const [status = 0] = await bus.read(hts221.address, hts221.status, 1);
  if ((status & hts221.ready) !== hts221.ready) return undefined;
  const outputs = await bus.read(hts221.address, hts221.humidityOut | autoIncrement, 4);
  return {
    humidity: onLine(calibration.humidity, int16(outputs, 0)),
    temperature: onLine(calibration.temperature, int16(outputs, 2)),
  };
}
