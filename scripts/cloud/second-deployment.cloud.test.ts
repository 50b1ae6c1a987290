import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { account } from '../../cloud/testing/clients.ts';
import { deploy } from './cdk.ts';

it('a second deployment says of every stack that there are no changes', async () => {
  const assembly = join(account.folder, 'cdk.out');
  const stacks = readdirSync(assembly).filter((file) => file.endsWith('.template.json'));
  const logFile = join(account.folder, 'second-deployment.log');
  await deploy(
    { assembly, env: process.env, logFile, limitMs: 100_000 },
    join(account.folder, 'outputs-of-second-deployment.json'),
  );
  const log = readFileSync(logFile, 'utf8');
  expect(stacks.length).toBeGreaterThan(0);
  expect(log.match(/\(no changes\)/g)).toHaveLength(stacks.length);
}, 120_000);
