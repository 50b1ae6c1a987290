import type { I2cBus } from './bus.ts';

export interface MemoryBus extends I2cBus {
  /** Registers by chip's address; a chip that is not in it does not acknowledge. */
  chips: Map<number, Uint8Array>;
  /** What the next calls run into, by the errno's name; `open` for opening, `transfer` for the rest. */
  errors: { open?: string; transfer?: string };
  opened: number;
}

/** The Sense HAT's chips in memory, for tests: 25 °C and 50.9 %RH, 1021 hPa, ready. */
export function memoryBus(): MemoryBus {
  let isOpen = false;
  const hts221 = new Uint8Array(256);
  hts221[0x0f] = 0xbc;
  hts221[0x27] = 0b11;
  hts221.set(Buffer.from('3d8f990e00c4f2ff3a03f5d000001e03', 'hex'), 0x30);
  new DataView(hts221.buffer).setInt16(0x28, -6_000, true);
  new DataView(hts221.buffer).setInt16(0x2a, 200, true);
  const lps25h = new Uint8Array(256);
  lps25h[0x0f] = 0xbd;
  lps25h[0x27] = 0b11;
  lps25h.set([0x00, 0xd0, 0x3f], 0x28);

  const bus: MemoryBus = {
    chips: new Map([
      [0x5f, hts221],
      [0x5c, lps25h],
    ]),
    errors: {},
    opened: 0,
    async open() {
      if (bus.errors.open !== undefined) throw failed(bus.errors.open);
      if (!isOpen) bus.opened += 1;
      isOpen = true;
    },
    async read(address, register, length) {
      return chip(address).slice(register & 0x7f, (register & 0x7f) + length);
    },
    async write(address, register, value) {
      chip(address)[register & 0x7f] = value;
    },
    async close() {
      isOpen = false;
    },
  };

  function chip(address: number): Uint8Array {
    if (!isOpen) throw failed('EBADF');
    if (bus.errors.transfer !== undefined) throw failed(bus.errors.transfer);
    const registers = bus.chips.get(address);
    if (registers === undefined) throw failed('EREMOTEIO');
    return registers;
  }

  return bus;
}

function failed(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code });
}
