import { SSMClient } from '@aws-sdk/client-ssm';
import { expect, test } from 'vitest';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { readToken } from './github-token.aws.ts';

const name = '/GitHubAPIKey';

test('the token is asked for once, decrypted', async () => {
  const asked: unknown[] = [];
  const token = readToken(
    new SSMClient(
      fakeAws((request) => {
        asked.push(request);
        return { Parameter: { Value: 'github_pat_1\n' } };
      }),
    ),
    name,
  );
  expect([await token(), await token()]).toEqual(['github_pat_1', 'github_pat_1']);
  expect(asked).toEqual([{ operation: 'GetParameter', input: { Name: name, WithDecryption: true } }]);
});

test('a parameter that is missing, or holds no token, is for a person, and is asked for again', async () => {
  let value: string | undefined;
  const ssm = new SSMClient(
    fakeAws(() => {
      if (value === undefined) throw new AwsFault('ParameterNotFound');
      return { Parameter: { Value: value } };
    }),
  );
  const token = readToken(ssm, name);
  await expect(token()).rejects.toMatchObject({ name: 'GitHubRefused', message: expect.stringContaining(name) });
  value = 'two\nlines of a secret';
  const refused = await token().catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: 'GitHubRefused' });
  expect(String(refused)).not.toContain('secret');
  value = 'token';
  expect(await token()).toBe('token');
});

test('what may pass is thrown as it is', async () => {
  const ssm = new SSMClient(
    fakeAws(() => {
      throw new AwsFault('ThrottlingException');
    }),
  );
  await expect(readToken(ssm, name)()).rejects.toMatchObject({ name: 'ThrottlingException' });
});
