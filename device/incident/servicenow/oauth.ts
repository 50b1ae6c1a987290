import type { ServiceNowCredentials } from '../../secrets/secrets.ts';
import type { DestinationFailure, DestinationResult } from '../destination.ts';
import { type Context, networkFailure, parseJson, refusal, unauthenticated, unreadable } from './errors.ts';
import type { HttpOutcome } from './http.ts';
import { tokenAnswer } from './schema.ts';

export type OAuthCredentials = Extract<ServiceNowCredentials, { clientId: string }>;

/** Access tokens of one version of the secret. */
export interface Tokens {
  /** A token that is good for now. Callers at the same time share one request. */
  get(): Promise<DestinationResult<string>>;
  /** The instance refused this token: the next `get` asks for another one. */
  refused(token: string): void;
}

export interface TokensOptions {
  credentials: OAuthCredentials;
  grant: 'password' | 'client_credentials';
  /** Posts a form to `/oauth_token.do`. */
  post: (form: URLSearchParams) => Promise<HttpOutcome>;
  monotonicMs: () => number;
  context: () => Context;
}

/** A token is not used in the last minute of its life, nor in its second half where that is shorter. */
const marginMs = 60_000;

/** OAuth tokens of an instance: by refresh token while there is one, else by the configured grant. */
export function createTokens({ credentials, grant, post, monotonicMs, context }: TokensOptions): Tokens {
  let current: { access: string; usableUntilMs: number } | undefined;
  let refreshToken: string | undefined;
  let asking: Promise<DestinationResult<string>> | undefined;

  async function ask(): Promise<DestinationResult<string>> {
    if (refreshToken !== undefined) {
      const refreshed = await request({ grant_type: 'refresh_token', refresh_token: refreshToken });
      if (refreshed.ok || !isRefused(refreshed)) return refreshed;
      refreshToken = undefined;
    }
    return request(
      grant === 'password'
        ? { grant_type: 'password', username: credentials.username ?? '', password: credentials.password ?? '' }
        : { grant_type: 'client_credentials' },
    );
  }

  async function request(grantFields: Record<string, string>): Promise<DestinationResult<string>> {
    const client = { client_id: credentials.clientId, client_secret: credentials.clientSecret };
    const outcome = await post(new URLSearchParams({ ...grantFields, ...client }));
    if (outcome.kind === 'failed') return nothingWritten(networkFailure(outcome, context()));
    const refused = refusal(outcome, context());
    // 400 is what OAuth itself says of a grant that is not good (RFC 6749, 5.2).
    if (outcome.status === 400) return unauthenticated(refused?.message ?? '');
    if (refused !== undefined) return nothingWritten(refused);
    const parsed = tokenAnswer.safeParse(parseJson(outcome.body));
    if (!parsed.success) return nothingWritten(unreadable(context(), 'no token in it'));
    const { access_token: access, refresh_token: refresh, expires_in: seconds } = parsed.data;
    const lifeMs = seconds * 1_000;
    current = { access, usableUntilMs: monotonicMs() + Math.max(lifeMs - marginMs, lifeMs / 2) };
    refreshToken = refresh ?? refreshToken;
    return { ok: true, value: access };
  }

  return {
    async get() {
      if (current !== undefined && monotonicMs() < current.usableUntilMs) return { ok: true, value: current.access };
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    refused(token) {
      if (current?.access === token) current = undefined;
    },
  };
}

function isRefused(failure: DestinationFailure): boolean {
  return failure.kind === 'refused-destination' && failure.cause === 'unauthenticated';
}

/** A login that ended anyhow wrote no record. */
function nothingWritten(failure: DestinationFailure): DestinationFailure {
  switch (failure.kind) {
    case 'refused-destination':
    case 'throttled':
      return failure;
    default:
      return { ok: false, kind: 'not-sent', message: failure.message };
  }
}
