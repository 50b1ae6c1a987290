import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../platform/time.ts';

export interface Session {
  readonly userName: string;
  /** What a page sends back as `X-UserToken` with each write: a request that carries the cookie alone changes nothing. */
  readonly userToken: string;
}

/**
 * Who is logged in at the review page. Kept in memory: a restart logs everybody out.
 *
 * A session is live → ended: by `close`, when it was idle for `idleMs` or is `longestMs` old, or when `mostSessions` are
 * live and a new one is opened (the one idle longest ends).
 */
export interface Sessions {
  /** Answers the session's cookie value. */
  open(userName: string): string;
  /** A use of the session: its idle time begins anew. */
  use(id: string): Session | undefined;
  /** The same, without counting as a use; for streams, which must not keep a session alive. */
  peek(id: string): Session | undefined;
  close(id: string): void;
}

export const sessionLimits = { idleMs: 2 * 3_600_000, longestMs: 12 * 3_600_000, mostSessions: 100 } as const;

interface Live extends Session {
  openedAtMs: number;
  usedAtMs: number;
}

const secret = () => randomBytes(32).toString('base64url');

export function createSessions(clock: Clock): Sessions {
  /** Least recently used first. */
  const sessions = new Map<string, Live>();

  function live(id: string): Live | undefined {
    const session = sessions.get(id);
    if (session === undefined) return undefined;
    const now = clock.monotonicMs();
    const { idleMs, longestMs } = sessionLimits;
    if (now - session.usedAtMs < idleMs && now - session.openedAtMs < longestMs) return session;
    sessions.delete(id);
    return undefined;
  }

  return {
    open(userName) {
      for (const id of [...sessions.keys()]) live(id);
      const [idlest] = sessions.keys();
      if (idlest !== undefined && sessions.size >= sessionLimits.mostSessions) sessions.delete(idlest);
      const id = secret();
      const now = clock.monotonicMs();
      sessions.set(id, { userName, userToken: secret(), openedAtMs: now, usedAtMs: now });
      return id;
    },
    use(id) {
      const session = live(id);
      if (session === undefined) return undefined;
      session.usedAtMs = clock.monotonicMs();
      sessions.delete(id);
      sessions.set(id, session);
      return session;
    },
    peek: live,
    close(id) {
      sessions.delete(id);
    },
  };
}

const cookieName = 'servicenow_session';

/** Reads `Cookie`; undefined where it holds no session. */
export function sessionIdOf(cookies: string | null | undefined): string | undefined {
  for (const part of (cookies ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === cookieName && value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** `Set-Cookie` that opens or, with an empty id, ends a session in the browser. The server alone decides how long it lasts. */
export function sessionCookie(id: string): string {
  return `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict${id === '' ? '; Max-Age=0' : ''}`;
}

export function isSameToken(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
