import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { rooms } from '../../cloud/rooms.ts';

interface Told {
  code: number;
  output: string;
}

/** The mode for AWS, its credentials being those of the local account. */
function testOnAws(args: readonly string[], input = '', change: Record<string, string> = {}): Promise<Told> {
  return new Promise((resolve) => {
    const all = ['--import', 'tsx', 'scripts/cloud/main.ts', 'test', ...args];
    const child = execFile(process.execPath, all, { env: { ...process.env, ...change } }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

const account = ['--account', '000000000000', '--region', 'eu-west-1'];
const paid = rooms.find(({ fixedMonthlyUsd }) => fixedMonthlyUsd > 0);

describe('the mode for an AWS account', () => {
  it('does nothing where the credentials are of another account', async () => {
    const { code, output } = await testOnAws(['--account', '111111111111', '--region', 'eu-west-1']);
    expect(code).toBe(1);
    expect(output).toContain('of account 000000000000, and --account says 111111111111. Nothing was done.');
  });

  it('does nothing without credentials that AWS accepts', async () => {
    const { code, output } = await testOnAws(account, '', { AWS_ENDPOINT_URL: 'https://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(output).toContain('AWS does not say who you are');
  });

  it.runIf(paid !== undefined)('leaves out a room with a fixed cost, unless it is asked for', async () => {
    const { code, output } = await testOnAws([...account, '--room', paid?.name ?? '']);
    expect(code).toBe(1);
    expect(output).toContain(`${paid?.name} ($${paid?.fixedMonthlyUsd} a month)`);
    expect(output).toContain('give --with-paid');
  });

  it.runIf(paid !== undefined)(
    'prints what it would create and what that costs, and does nothing where that is there or nobody confirms',
    async () => {
      const { code, output } = await testOnAws([...account, '--with-paid', '--room', paid?.name ?? ''], 'yes\n');
      expect(output).toContain(`fixed cost: $${paid?.fixedMonthlyUsd} a month`);
      // A run of all rooms has deployed it; a run of this file alone has not.
      expect(output).toMatch(/(is there already .*|That is not the account id\.) Nothing was done\./);
      expect(code).toBe(1);
    },
  );
});
