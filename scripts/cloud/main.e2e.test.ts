import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';

function cloud(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', 'scripts/cloud/main.ts', ...args],
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

const account = ['--account', '000000000000', '--region', 'eu-west-1'];

describe('the commands of the cloud', () => {
  it.each([
    ['a region without an account', ['test', '--region', 'eu-west-1'], 'go with --account'],
    ['an account without a region', ['test', '--account', '000000000000'], '--account needs --region'],
    ['what is no account id', ['test', '--account', '12', '--region', 'eu-west-1'], 'twelve digits'],
    ['files on AWS', ['test', ...account, 'cloud/testing'], 'chosen with --room'],
    ['a room that is none', ['test', '--room', 'cellar'], 'No room is called cellar'],
    ['a room that is none, to look around in', ['local', '--room', 'cellar'], 'No room is called cellar'],
    ['a stage that is none', ['synth', '--stage', 'moon'], 'local, dev, prod'],
  ])('refuse %s before anything is started', async (_what, args, words) => {
    const { code, output } = await cloud(args);
    expect(output).toContain(words);
    expect(code).toBe(2);
  });
});
