import { type FileHandle, open } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';
import type { I2cBus } from './bus.ts';

/** Request of ioctl that binds a file of an I²C bus to one chip. Source: Linux, include/uapi/linux/i2c-dev.h. */
const i2cSlave = 0x0703;

/**
 * A bus of Linux's i2c-dev (`/dev/i2c-1`). Only ioctl, which Node lacks, is called through koffi; transfers are reads and
 * writes of the file, made outside the event loop, so that a bus that hangs does not hold up the process.
 */
export function createLinuxBus(device: string): I2cBus {
  let opened: { file: FileHandle; ioctl: Ioctl; selected?: number } | undefined;

  function select(address: number): FileHandle {
    if (opened === undefined) throw systemError('EBADF', 'the bus is not open');
    if (opened.selected === address) return opened.file;
    const errno = opened.ioctl(opened.file.fd, i2cSlave, address);
    if (errno !== 0) {
      const [code, meaning] = getSystemErrorMap().get(-errno) ?? ['EIO', `errno ${errno}`];
      throw systemError(code, `${code}: ${meaning}, ioctl I2C_SLAVE 0x${address.toString(16)}`);
    }
    opened.selected = address;
    return opened.file;
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
      opened ??= { ioctl: await loadIoctl(), file: await open(device, 'r+') };
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
      const closing = opened;
      opened = undefined;
      await closing?.file.close();
    },
  };
}

/** Answers the errno, 0 for success. */
type Ioctl = (fd: number, request: number, argument: number) => number;

async function loadIoctl(): Promise<Ioctl> {
  const { default: koffi } = await import('koffi');
  const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, ...)');
  return (fd, request, argument) => (ioctl(fd, request, 'long', argument) === -1 ? koffi.errno() : 0);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
