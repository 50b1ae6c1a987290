import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Space that is kept for the day on which the disk is full: giving it up lets a store finish what was begun.
 */
export interface ReserveFile {
  /** Makes the file where it is missing; false where there is no room for it, or not enough beside it. */
  restore(): boolean;
  /** Gives the space up; false where there is none to give. */
  release(): boolean;
  isHeld(): boolean;
}

/** Free space that must be there besides the reserve before it is made: it must not be what fills the disk. */
const marginBytes = 1_000_000;
const chunkBytes = 1_000_000;

/**
 * @param bytes Size of the reserve; 0 keeps none, `restore` is then always true.
 */
export function createReserveFile(path: string, bytes: number): ReserveFile {
  const isHeld = () => bytes > 0 && existsSync(path) && statSync(path).size === bytes;

  function write(): void {
    const file = openSync(path, 'w', 0o600);
    try {
      // Random bytes are not needed, written ones are: a sparse file reserves nothing.
      const chunk = Buffer.alloc(Math.min(chunkBytes, bytes), 0x2e);
      for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk, 0, Math.min(left, chunk.length));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** On a disk that has turned read-only nothing can be removed either. */
  function remove(): boolean {
    try {
      rmSync(path, { force: true });
      return true;
    } catch {
      return false;
    }
  }

  return {
    isHeld,
    restore() {
      if (bytes === 0 || isHeld()) return true;
      try {
        rmSync(path, { force: true });
        const { bavail, bsize } = statfsSync(dirname(path));
        if (bavail * bsize < bytes + marginBytes) return false;
        write();
        return true;
      } catch {
        // Whatever refuses it, a reserve that is not there is all that there is to know.
        remove();
        return false;
      }
    },
    release() {
      return isHeld() && remove();
    },
  };
}
