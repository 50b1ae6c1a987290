import { autoIncrement, type I2cBus } from './bus.ts';

/** Registers and bits. Source: ST, LPS25H datasheet (DocID023722), chapters 8 and 9. */
export const lps25h = {
  address: 0x5c,
  whoAmI: 0x0f,
  identity: 0xbd,
  ctrl1: 0x20,
  /** On, one value a second, values not updated while they are read. */
  onAtOneHertz: 0x94,
  status: 0x27,
  pressureReady: 0b10,
  pressureOut: 0x28,
} as const;

/** Switches the chip on; false when the chip at its address is another. */
export async function startLps25h(bus: I2cBus): Promise<boolean> {
  const [answered] = await bus.read(lps25h.address, lps25h.whoAmI, 1);
  if (answered !== lps25h.identity) return false;
  await bus.write(lps25h.address, lps25h.ctrl1, lps25h.onAtOneHertz);
  return true;
}

/** hPa, or undefined while the chip has no new value. */
export async function readLps25h(bus: I2cBus): Promise<number | undefined> {
  const [status = 0] = await bus.read(lps25h.address, lps25h.status, 1);
  if ((status & lps25h.pressureReady) === 0) return undefined;
  return pressureOf(await bus.read(lps25h.address, lps25h.pressureOut | autoIncrement, 3));
}

/** Signed 24 bits, low byte first, in 1/4096 hPa. */
export function pressureOf([low = 0, middle = 0, high = 0]: Uint8Array): number {
  return (((high << 24) | (middle << 16) | (low << 8)) >> 8) / 4096;
}
