import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultBucket, defaultNames } from '../../cloud/greengrass/names.ts';
import { workstationPolicy } from '../../cloud/greengrass/workstation-policy.ts';
import { iamAction } from './aws-error.ts';

const readme = join(import.meta.dirname, '../../cloud/greengrass/README.md');
/** The account that AWS's own documentation uses. */
const place = { account: '111122223333', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: defaultBucket(place) };

/** Rights that go with a call and are no call themselves. */
const implied = [
  // Who creates something with tags may tag it.
  ...['iot:TagResource', 'iam:TagRole', 'secretsmanager:TagResource', 'greengrass:TagResource'],
  // The role alias hands the role to AWS IoT.
  'iam:PassRole',
  // A deployment is a job, made, read and ended in the name of who deploys.
  ...['iot:CreateJob', 'iot:DescribeJob', 'iot:UpdateJob', 'iot:CancelJob', 'iot:DeleteJob'],
];
/** Nobody needs a right to ask who he is. */
const free = ['sts:GetCallerIdentity'];

test('the rights that are documented are those of the calls that are made, and no more', () => {
  const documented = workstationPolicy(names, place).Statement.flatMap(({ Action }) => Action);
  const called = sources().flatMap(callsOf);
  expect([...new Set(documented)].sort()).toEqual(
    [...new Set([...called, ...implied])].filter((action) => !free.includes(action)).sort(),
  );
});

test('the README shows the policy that permissions prints', () => {
  const [, shown = ''] = /```json\n(.+?)\n```/s.exec(readFileSync(readme, 'utf8')) ?? [];
  expect(JSON.parse(shown)).toEqual(workstationPolicy(names, place));
});

function sources(): string[] {
  const isSource = (file: string) => file.endsWith('.ts') && !file.includes('.test.') && !file.startsWith('test-');
  return readdirSync(import.meta.dirname)
    .filter(isSource)
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));
}

/** `CreateThingCommand` and `paginateListDeployments`, as they are imported. */
function callsOf(source: string): string[] {
  return [...source.matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-([\w-]+)'/g)].flatMap(
    ([, list = '', service = '']) =>
      [...list.matchAll(/\b(?:(\w+)Command|paginate(\w+))\b/g)].map(([, command, paginator]) =>
        iamAction(service.replace('secrets-manager', 'secretsmanager'), command ?? paginator ?? ''),
      ),
  );
}
