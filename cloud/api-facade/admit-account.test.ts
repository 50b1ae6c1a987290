import { describe, expect, test } from 'vitest';
import { admitAccount } from './admit-account.ts';

describe('an account', () => {
  const event = (triggerSource: string, email?: string) => ({
    ...{ version: '1', triggerSource, response: { autoConfirmUser: false } },
    request: { userAttributes: email === undefined ? {} : { email } },
  });
  const domains = ['example.com', 'example.org'];

  test.each(['a@example.com', 'A@EXAMPLE.ORG', '"x@evil.net"@example.com'])('is made for %s', (email) => {
    const asked = event('PreSignUp_SignUp', email);
    expect(admitAccount(asked, domains)).toBe(asked);
  });

  test.each(['a@evil.net', 'a@example.com.evil.net', 'a@sub.example.com', 'a@evilexample.com', 'a', '', undefined])(
    'is not made for %s',
    (email) => {
      expect(() => admitAccount(event('PreSignUp_SignUp', email), domains)).toThrow('Ask the operators');
    },
  );

  test('that an operator makes may have any address, and one of another provider none', () => {
    const made = event('PreSignUp_AdminCreateUser', 'partner@elsewhere.net');
    expect(admitAccount(made, domains)).toBe(made);
    expect(() => admitAccount(event('PreSignUp_ExternalProvider', 'a@example.com'), domains)).toThrow();
  });
});
