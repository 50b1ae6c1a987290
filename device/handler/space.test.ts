import { describe, expect, test } from 'vitest';
import { silentLogger } from '../platform/logger.ts';
import { createSpace } from './space.ts';

/** A disk that is full or not, and a reserve that can be given up once. */
function world() {
  const disk = { full: false, reserveHeld: true, roomForReserve: false };
  const space = createSpace({
    transaction(work) {
      if (disk.full) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
      return work();
    },
    reserve: {
      isHeld: () => disk.reserveHeld,
      release() {
        const held = disk.reserveHeld;
        disk.reserveHeld = false;
        if (held) disk.full = false;
        return held;
      },
      restore() {
        disk.reserveHeld ||= disk.roomForReserve;
        return disk.reserveHeld;
      },
    },
    logger: silentLogger,
  });
  return { disk, space };
}

describe('a full disk', () => {
  test('refuses what is new, and finishes what was begun on the reserve', () => {
    const { disk, space } = world();
    disk.full = true;
    expect(() => space.take(() => 1)).toThrow('disk is full');
    expect(space.isFull()).toBe(true);
    expect(space.finish(() => 2)).toBe(2);
    expect(disk.reserveHeld).toBe(false);
  });

  test('stays full until the reserve can be made again: nothing new may eat what the reserve gave', () => {
    const { disk, space } = world();
    disk.full = true;
    expect(space.finish(() => 1)).toBe(1);
    space.recheck();
    expect(space.isFull()).toBe(true);
    disk.roomForReserve = true;
    space.recheck();
    expect(space.isFull()).toBe(false);
    expect(space.take(() => 3)).toBe(3);
  });

  test('without a reserve tells that it could not be stored', () => {
    const { disk, space } = world();
    disk.full = true;
    disk.reserveHeld = false;
    expect(() => space.finish(() => 1)).toThrow('disk is full');
  });

  test('is not made of another error', () => {
    const { space } = world();
    const bug = () => {
      throw new Error('bug');
    };
    expect(() => space.finish(bug)).toThrow('bug');
    expect(space.isFull()).toBe(false);
  });
});
