import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixedClock, systemMachineClock } from './machine-clock.ts';

describe('clock of the machine', () => {
  let root: string;
  let nowMs = 0;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'root-'));
    nowMs = 0;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function file(path: string, text = ''): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  async function open(timedatectl: string | undefined) {
    const clock = systemMachineClock({ root, monotonicMs: () => nowMs, run: async () => timedatectl });
    await setImmediate();
    return clock;
  }

  test.each([
    ['timesyncd that has set the clock', ['run/systemd/timesync/synchronized'], undefined, true, 'timesyncd'],
    ['timesyncd that has not', ['run/systemd/timesync/x'], 'yes\n', false, 'timesyncd'],
    ['chrony, and the kernel says yes', ['run/chrony/chronyd.pid'], 'yes\n', true, 'chrony'],
    ['chrony, and the kernel says no', ['run/chrony/chronyd.pid'], 'no\n', false, 'chrony'],
    ['chrony, and nobody to ask the kernel', ['run/chrony/chronyd.pid'], undefined, false, 'none'],
    ['another time service', [], 'yes\n', true, 'kernel'],
    ['no time service', [], 'no\n', false, 'none'],
    ['nothing at all', [], undefined, false, 'none'],
  ])('%s', async (_, files, timedatectl, synchronised, source) => {
    for (const path of files) file(path);
    expect((await open(timedatectl)).state()).toEqual({ synchronised, source });
  });

  test('the boot id is the kernel’s; where there is none, each start has its own', async () => {
    file('proc/sys/kernel/random/boot_id', '0b6b6cf6-92e3-4b0c-8b0c-1f3a1f5f7c11\n');
    expect((await open(undefined)).bootId).toBe('0b6b6cf6-92e3-4b0c-8b0c-1f3a1f5f7c11');
    file('proc/sys/kernel/random/boot_id', 'nonsense\u0000');
    const [one, other] = [await open(undefined), await open(undefined)];
    expect(one.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.bootId).not.toBe(other.bootId);
  });

  test('is asked again after 10 s and not before', async () => {
    file('run/systemd/timesync/x');
    const clock = await open(undefined);
    file('run/systemd/timesync/synchronized');
    nowMs = 9_999;
    clock.state();
    await setImmediate();
    expect(clock.state().synchronised).toBe(false);
    nowMs = 10_000;
    clock.state();
    await setImmediate();
    expect(clock.state().synchronised).toBe(true);
  });

  test('on this machine it answers without an error', () => {
    const clock = systemMachineClock();
    expect(clock.bootId).not.toBe('');
    expect(typeof clock.state().synchronised).toBe('boolean');
  });

  test('a fixed clock says what it was told', () => {
    expect(fixedClock('b').state()).toEqual({ synchronised: true, source: 'recording' });
    expect(fixedClock('b', 'timesyncd', false).state()).toEqual({ synchronised: false, source: 'timesyncd' });
  });
});
