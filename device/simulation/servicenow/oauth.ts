import { randomBytes } from 'node:crypto';
import type { Store } from '../../platform/sqlite.ts';
import type { Clock } from '../../platform/time.ts';
import type { Accounts } from './accounts.ts';
import { type ApiAnswer, type ApiRequest, json } from './api.ts';

/** The OAuth provider of the instance: `/oauth_token.do` and the check of its tokens. */
export interface OAuth {
  token(request: ApiRequest): Promise<ApiAnswer>;
  /** User of an access token that is known and has not expired. */
  userOf(accessToken: string): string | undefined;
  /** Ends an access token before its time; the refresh token stays good. */
  expire(accessToken: string): void;
}

export interface OAuthOptions {
  db: Store;
  accounts: Accounts;
  clock: Clock;
  clientId: string;
  clientSecret: string;
  /** Whom a client_credentials grant acts for. */
  clientUser: string;
}

const accessLifetimeMs = 1_800_000;
const refreshLifetimeMs = 100 * 24 * 3_600_000;

interface Token {
  access: string;
  refresh: string;
  userName: string;
  expiresAt: number;
}

const denied = () => json(401, { error_description: 'access_denied', error: 'server_error' });

export function createOAuth({ db, accounts, clock, clientId, clientSecret, clientUser }: OAuthOptions): OAuth {
  const columns = 'access_token AS access, refresh_token AS refresh, user_name AS userName, expires_at AS expiresAt';
  const byAccess = db.prepare(`SELECT ${columns} FROM oauth_token WHERE access_token = ? AND expires_at > ?`);
  const byRefresh = db.prepare(`SELECT ${columns} FROM oauth_token WHERE refresh_token = ? AND refresh_expires_at > ?`);
  const live = db.prepare(
    `SELECT ${columns} FROM oauth_token WHERE user_name = ? AND client_id = ? AND expires_at > ?`,
  );

  /** A second request inside the lifetime gets the same token. */
  function issue(userName: string, refreshToken?: string): ApiAnswer {
    const now = clock.wallMs();
    const current = toToken(live.get(userName, clientId, now));
    if (current !== undefined) return answer(current, now);
    const token: Token = {
      access: randomBytes(43).toString('base64url'),
      refresh: refreshToken ?? randomBytes(43).toString('base64url'),
      userName,
      expiresAt: now + accessLifetimeMs,
    };
    db.prepare('DELETE FROM oauth_token WHERE refresh_token = ? OR refresh_expires_at <= ?').run(token.refresh, now);
    db.prepare('INSERT INTO oauth_token VALUES (?, ?, ?, ?, ?, ?)').run(
      token.access,
      token.refresh,
      clientId,
      userName,
      token.expiresAt,
      now + refreshLifetimeMs,
    );
    return answer(token, now);
  }

  return {
    async token(request) {
      const form = new URLSearchParams(Buffer.from(request.body).toString('utf8'));
      const client = basicCredentials(request.headers.get('authorization'));
      const id = form.get('client_id') ?? client?.user;
      const secret = form.get('client_secret') ?? client?.password;
      if (id !== clientId || secret !== clientSecret) return denied();
      switch (form.get('grant_type')) {
        case 'password': {
          const userName = form.get('username') ?? '';
          return (await accounts.verify(userName, form.get('password') ?? '')) ? issue(userName) : denied();
        }
        case 'client_credentials':
          return issue(clientUser);
        case 'refresh_token': {
          const token = toToken(byRefresh.get(form.get('refresh_token') ?? '', clock.wallMs()));
          return token === undefined ? denied() : issue(token.userName, token.refresh);
        }
        default:
          return denied();
      }
    },
    userOf: (accessToken) => toToken(byAccess.get(accessToken, clock.wallMs()))?.userName,
    expire(accessToken) {
      db.prepare('UPDATE oauth_token SET expires_at = 0 WHERE access_token = ?').run(accessToken);
    },
  };
}

function answer(token: Token, now: number): ApiAnswer {
  return json(200, {
    access_token: token.access,
    refresh_token: token.refresh,
    scope: 'useraccount',
    token_type: 'Bearer',
    // One less than the lifetime at the moment of issue, as an instance says it.
    expires_in: Math.max(0, Math.ceil((token.expiresAt - now) / 1_000) - 1),
  });
}

function toToken(row: unknown): Token | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  if (!('access' in row) || !('refresh' in row) || !('userName' in row) || !('expiresAt' in row)) return undefined;
  return {
    access: String(row.access),
    refresh: String(row.refresh),
    userName: String(row.userName),
    expiresAt: Number(row.expiresAt),
  };
}

/** User and password of a Basic authorization header. */
export function basicCredentials(header: string | null): { user: string; password: string } | undefined {
  const encoded = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
