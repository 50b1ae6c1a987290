import { describe, expect, it } from 'vitest';
import { run } from './command.ts';
import { endLeftOvers } from './left-over.ts';

const node = (script: string, limitMs = 20_000) => run({ program: process.execPath, args: ['-e', script], limitMs });

describe('a command of the checks', () => {
  it('says how it ended', async () => {
    expect(await node('')).toEqual({ ok: true, how: 'exit code 0' });
    expect(await node('process.exit(3)')).toEqual({ ok: false, how: 'exit code 3' });
    expect(await run({ program: 'no-such-program', args: [], limitMs: 1_000 })).toMatchObject({ ok: false });
  });

  it('ends with its limit', async () => {
    expect(await node('setInterval(() => {}, 1000)', 300)).toEqual({ ok: false, how: 'longer than 0.3 s' });
  });
});

describe.runIf(process.platform === 'linux')('processes left over', () => {
  it('are found and ended, also where they left the group of their parent', async () => {
    const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000) // left over'], { detached: true, stdio: 'ignore' }).unref()`;
    expect((await node(child)).ok).toBe(true);
    expect((await endLeftOvers()).map(({ command }) => command)).toEqual([expect.stringContaining('left over')]);
    expect(await endLeftOvers()).toEqual([]);
  });
});
