/** What a call comes to: a value, or a sentence for the person at the page. */
export type Told<T> = { ok: true; value: T } | { ok: false; sentence: string };

/** The user pool's public API, by which people get an account and a token. */
export interface UserPool {
  signUp(email: string, password: string): Promise<Told<undefined>>;
  /** @param code from the mail that was sent at the sign-up */
  confirm(email: string, code: string): Promise<Told<undefined>>;
  sendCodeAgain(email: string): Promise<Told<undefined>>;
  /** The id token, for the header `authorization`; good for an hour. */
  signIn(email: string, password: string): Promise<Told<string>>;
}

/** @param endpoint https://cognito-idp.REGION.amazonaws.com/ */
export function createUserPool(endpoint: string, clientId: string): UserPool {
  async function call(operation: string, input: Record<string, unknown>): Promise<Told<unknown>> {
    try {
      const answer = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
        },
        body: JSON.stringify({ ClientId: clientId, ...input }),
      });
      const body: unknown = await answer.json();
      if (answer.ok) return { ok: true, value: body };
      return { ok: false, sentence: textAt(body, 'message') ?? 'That was refused.' };
    } catch {
      return { ok: false, sentence: 'The sign-in service cannot be reached. Try again later.' };
    }
  }

  const done = (told: Told<unknown>): Told<undefined> => (told.ok ? { ok: true, value: undefined } : told);

  return {
    signUp: async (email, password) =>
      done(
        await call('SignUp', {
          Username: email,
          Password: password,
          UserAttributes: [{ Name: 'email', Value: email }],
        }),
      ),
    confirm: async (email, code) => done(await call('ConfirmSignUp', { Username: email, ConfirmationCode: code })),
    sendCodeAgain: async (email) => done(await call('ResendConfirmationCode', { Username: email })),
    async signIn(email, password) {
      const told = await call('InitiateAuth', {
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: email, PASSWORD: password },
      });
      if (!told.ok) return told;
      const token = textAt(valueAt(told.value, 'AuthenticationResult'), 'IdToken');
      if (token === undefined) return { ok: false, sentence: 'This account needs a second step that this page lacks.' };
      return { ok: true, value: token };
    },
  };
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function textAt(value: unknown, name: string): string | undefined {
  const found = valueAt(value, name);
  return typeof found === 'string' ? found : undefined;
}
