import { type FileHandle, open } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';
import type { I2cBus } from './bus.ts';

/** Request of ioctl that binds a file of an I²C bus to one chip. Source: Linux, include/uapi/linux/i2c-dev.h. */
const i2cSlave = 0x0703;

/**
 * A bus of Linux's i2c-dev (`/dev/i2c-1`). Only ioctl, which Node lacks, is called through koffi; transfers are reads and
 * writes of the file, made outside the event loop, so that a bus that hangs does not hold up the process.
 */
export function createLinuxBus(device: string): I2cBus {
  const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, ...)');
  let file: FileHandle | undefined;
  let selected: number | undefined;

  function select(address: number): FileHandle {
    if (file === undefined) throw systemError('EBADF', 'the bus is not open');
    if (selected === address) return file;
    const result: unknown = ioctl(file.fd, i2cSlave, 'long', address);
    if (result !== 0) {
      const errno = koffi.errno();
      const [code, meaning] = getSystemErrorMap().get(-errno) ?? ['EIO', `errno ${errno}`];
      throw systemError(code, `${code}: ${meaning}, ioctl I2C_SLAVE 0x${address.toString(16)}`);
    }
    selected = address;
    return file;
  }

  async function send(address: number, bytes: readonly number[]): Promise<FileHandle> {
    const chip = select(address);
    const { bytesWritten } = await chip.write(Uint8Array.from(bytes), 0, bytes.length, null);
    if (bytesWritten !== bytes.length)
      throw systemError('EIO', `EIO: ${bytesWritten} of ${bytes.length} bytes were written`);
    return chip;
  }

  return {
    async open() {
      file ??= await open(device, 'r+');
    },
    async read(address, register, length) {
      const chip = await send(address, [register]);
      const { bytesRead, buffer } = await chip.read(new Uint8Array(length), 0, length, null);
      if (bytesRead !== length) throw systemError('EIO', `EIO: ${bytesRead} of ${length} bytes were read`);
      return buffer;
    },
    async write(address, register, value) {
      await send(address, [register, value]);
    },
    async close() {
      const closing = file;
      file = undefined;
      selected = undefined;
      await closing?.close();
    },
  };
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
