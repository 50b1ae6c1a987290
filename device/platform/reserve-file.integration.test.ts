import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReserveFile } from './reserve-file.ts';

describe('reserve file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reserve-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('takes real blocks of the disk, and gives them up once', () => {
    const reserve = createReserveFile(join(folder, 'reserve'), 3_000_000);
    expect(reserve.isHeld()).toBe(false);
    expect(reserve.restore()).toBe(true);
    expect(statSync(join(folder, 'reserve')).blocks * 512).toBeGreaterThanOrEqual(3_000_000);
    expect(reserve.isHeld()).toBe(true);
    expect(reserve.release()).toBe(true);
    expect(reserve.isHeld()).toBe(false);
    expect(reserve.release()).toBe(false);
  });

  test('one that was cut short, by a full disk or a changed size, is made anew', () => {
    writeFileSync(join(folder, 'reserve'), 'short');
    const reserve = createReserveFile(join(folder, 'reserve'), 10_000);
    expect(reserve.isHeld()).toBe(false);
    expect(reserve.restore()).toBe(true);
    expect(statSync(join(folder, 'reserve')).size).toBe(10_000);
  });

  test('is refused where the disk has less than that, and leaves nothing behind', () => {
    const reserve = createReserveFile(join(folder, 'reserve'), Number.MAX_SAFE_INTEGER);
    expect(reserve.restore()).toBe(false);
    expect(reserve.isHeld()).toBe(false);
  });

  test('of no bytes is always there and never gives any', () => {
    const reserve = createReserveFile(join(folder, 'missing', 'reserve'), 0);
    expect(reserve.restore()).toBe(true);
    expect(reserve.release()).toBe(false);
  });

  test('that cannot be removed, as on a disk that has turned read-only, gives nothing and throws nothing', () => {
    // A folder is not removed as a file is.
    const reserve = createReserveFile(folder, statSync(folder).size);
    expect(reserve.isHeld()).toBe(true);
    expect(reserve.release()).toBe(false);
  });

  test('in a folder that is not there is refused, not thrown', () => {
    expect(createReserveFile(join(folder, 'missing', 'reserve'), 10).restore()).toBe(false);
  });
});
