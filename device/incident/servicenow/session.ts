import type { Config } from '../../config/schema.ts';
import type { Secrets, ServiceNowCredentials } from '../../secrets/secrets.ts';
import type { DestinationFailure, DestinationResult } from '../destination.ts';
import { unauthenticated } from './errors.ts';
import type { HttpOutcome } from './http.ts';
import { createTokens, type Tokens, type TokensOptions } from './oauth.ts';

/**
 * Who we are to the instance. One login attempt is made for each version of the secret: an account must not be locked
 * by retries.
 *
 * | standing | a request                                          | becomes                                                   |
 * |----------|----------------------------------------------------|-----------------------------------------------------------|
 * | unproven | goes alone; those beside it wait for its end       | proven on an answer of the API, rejected on 401           |
 * | proven   | goes                                               | rejected on 401 (with OAuth: once another token is refused) |
 * | rejected | fails without being sent                           | unproven by `reload`                                      |
 */
export interface Session {
  /** Sends a request with an Authorization header; a failure says that it was not sent. */
  run(send: (authorization: string) => Promise<HttpOutcome>): Promise<HttpOutcome | DestinationFailure>;
  /** Reads the secret anew and forgets tokens. */
  reload(): Promise<{ ok: true; version: string } | { ok: false; message: string }>;
  /** Of the secret that the latest request used. */
  version(): string | undefined;
  /** A text without any part of the credentials, should an instance echo them. */
  redacted: (text: string) => string;
}

export interface SessionOptions extends Pick<TokensOptions, 'post' | 'monotonicMs' | 'context'> {
  secrets: Secrets;
  auth: Config['serviceNow']['auth'];
}

type Scheme = { kind: 'basic'; header: string } | { kind: 'oauth'; tokens: Tokens };

interface Login {
  version: string;
  scheme: Scheme;
  standing: 'unproven' | 'proven' | 'rejected';
  /** Ends with the request that proves it. */
  proof: Promise<void> | undefined;
}

export function createSession(options: SessionOptions): Session {
  const { secrets } = options;
  let login: Login | undefined;
  let loading: Promise<DestinationResult<Login>> | undefined;
  let versionUsed: string | undefined;
  let confidential: readonly string[] = [];

  function load(refresh: boolean): Promise<DestinationResult<Login>> {
    loading ??= (async () => {
      const secret = await secrets.get({ refresh });
      if (!secret.ok) {
        const message = `The ServiceNow credentials cannot be read: ${secret.message}`;
        return secret.reason === 'unreachable'
          ? ({ ok: false, kind: 'not-sent', message } as const)
          : unauthenticated(message);
      }
      const scheme = schemeOf(secret.credentials, options);
      if (!scheme.ok) return scheme;
      confidential = [...new Set([...confidential, ...confidentialOf(secret.credentials)])].slice(-mostConfidential);
      login = { version: secret.version, scheme: scheme.value, standing: 'unproven', proof: undefined };
      return { ok: true, value: login } as const;
    })().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  async function attempt(send: Send): Promise<{ outcome: HttpOutcome | DestinationFailure; used: Login | undefined }> {
    for (;;) {
      const loaded =
        login === undefined || loading !== undefined ? await load(false) : { ok: true as const, value: login };
      if (!loaded.ok) return { outcome: loaded, used: undefined };
      const used = loaded.value;
      if (used.standing === 'rejected') return { outcome: knownRefusal, used: undefined };
      if (used.standing === 'proven') return { outcome: await exchange(used, send), used };
      if (used.proof === undefined) return { outcome: await prove(used, send), used };
      await used.proof;
      if (used.standing === 'unproven') return { outcome: unprovenStill, used: undefined };
    }
  }

  function prove(used: Login, send: Send): Promise<HttpOutcome | DestinationFailure> {
    const proving = exchange(used, send);
    const end = () => {
      used.proof = undefined;
    };
    used.proof = proving.then(end, end);
    return proving;
  }

  async function exchange(used: Login, send: Send): Promise<HttpOutcome | DestinationFailure> {
    versionUsed = used.version;
    const outcome = await (used.scheme.kind === 'basic'
      ? send(used.scheme.header)
      : sendWithToken(used.scheme.tokens, send));
    if ('ok' in outcome) {
      if (outcome.kind === 'refused-destination' && outcome.cause === 'unauthenticated') used.standing = 'rejected';
    } else if (outcome.kind === 'answered') {
      if (outcome.status === 401) used.standing = 'rejected';
      else if (isFromTheApi(outcome)) used.standing = 'proven';
    }
    return outcome;
  }

  async function sendWithToken(tokens: Tokens, send: Send): Promise<HttpOutcome | DestinationFailure> {
    const first = await tokens.get();
    if (!first.ok) return first;
    const outcome = await sendBearer(first.value, send);
    if (outcome.kind === 'failed' || outcome.status !== 401) return outcome;
    // The token may have ended before its time. A 401 wrote nothing, so the request may go again.
    tokens.refused(first.value);
    const second = await tokens.get();
    if (!second.ok) return second;
    return second.value === first.value ? outcome : sendBearer(second.value, send);
  }

  function sendBearer(token: string, send: Send): Promise<HttpOutcome> {
    confidential = [...confidential.filter((text) => text !== token), token].slice(-mostConfidential);
    return send(`Bearer ${token}`);
  }

  return {
    async run(send) {
      const first = await attempt(send);
      const refused = 'ok' in first.outcome ? false : first.outcome.kind === 'answered' && first.outcome.status === 401;
      // Refused with a secret that has been replaced meanwhile: the new one has its own attempt.
      const isOutdated = first.used !== undefined && first.used.version !== login?.version;
      return refused && isOutdated ? (await attempt(send)).outcome : first.outcome;
    },
    async reload() {
      const loaded = await load(true);
      return loaded.ok ? { ok: true, version: loaded.value.version } : { ok: false, message: loaded.message };
    },
    version: () => versionUsed,
    redacted: (text) =>
      // Longest first: one may be a part of another.
      confidential
        .toSorted((a, b) => b.length - a.length)
        .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text),
  };
}

type Send = (authorization: string) => Promise<HttpOutcome>;

const knownRefusal = unauthenticated(
  'Not sent: the instance has refused these credentials. Put the right ones into the secret.',
);
const unprovenStill: DestinationFailure = {
  ok: false,
  kind: 'not-sent',
  message: 'Not sent: the request that was to try the credentials got no answer.',
};

/** A proxy's page, a sleeping instance or a failing one says nothing about credentials. */
function isFromTheApi({ status, contentType }: Extract<HttpOutcome, { kind: 'answered' }>): boolean {
  return status < 500 && contentType.includes('json');
}

/** Shorter ones would blank out half of every sentence, and hide nothing. */
const shortestConfidential = 4;
/** Parts of credentials that are looked for in messages: a few versions and tokens back. */
const mostConfidential = 32;

function schemeOf(credentials: ServiceNowCredentials, options: SessionOptions): DestinationResult<Scheme> {
  const { auth } = options;
  const { username, password } = credentials;
  const hasUser = username !== undefined && password !== undefined;
  const lacks = (what: string) =>
    unauthenticated(`serviceNow.auth is ${auth}, but the secret has no ${what}. Add it, or change serviceNow.auth.`);
  if (auth === 'basic' || (auth === 'auto' && !('clientId' in credentials))) {
    if (!hasUser) return lacks('username and password');
    const header = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    return { ok: true, value: { kind: 'basic', header } };
  }
  if (!('clientId' in credentials)) return lacks('clientId and clientSecret');
  if (auth === 'oauth-password' && !hasUser) return lacks('username and password');
  const grant = auth !== 'oauth-client-credentials' && hasUser ? 'password' : 'client_credentials';
  const { post, monotonicMs, context } = options;
  return {
    ok: true,
    value: { kind: 'oauth', tokens: createTokens({ credentials, grant, post, monotonicMs, context }) },
  };
}

function confidentialOf(credentials: ServiceNowCredentials): string[] {
  const { username, password } = credentials;
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const client = 'clientSecret' in credentials ? [credentials.clientSecret] : [];
  return [basic, ...(password === undefined ? [] : [password]), ...client]
    .flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)])
    .filter((text) => text.length >= shortestConfidential);
}
