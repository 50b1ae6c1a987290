/**
 * Registers of chips on one I²C bus. Calls are made one after another; each rejects with a system error whose `code` is
 * the errno's name (EREMOTEIO: no chip acknowledged; EBUSY: a kernel driver holds the address).
 */
export interface I2cBus {
  open(): Promise<void>;
  read(address: number, register: number, length: number): Promise<Uint8Array>;
  write(address: number, register: number, value: number): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** With this bit in the register's number the Sense HAT's chips step on to the next register after each byte. */
export const autoIncrement = 0x80;

/** Signed 16 bits, low byte first. */
export function int16(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt16(offset, true);
}
