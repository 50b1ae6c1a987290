import type { ConfigurationPath } from './contract.ts';

/** A configuration as AppConfig has it. */
export interface Configuration {
  content: string;
  contentType: string;
  version: string | undefined;
}

export interface ConfigurationSource {
  /** A session's first token. @throws Error of the SDK */
  start(path: ConfigurationPath): Promise<string>;
  /** What is in force, where it is another than the session had. Each token is good for one call. @throws Error of the SDK */
  latest(token: string): Promise<{ token: string; changed: Configuration | undefined }>;
}

export type Answered =
  | { ok: true; configuration: Configuration }
  | { ok: false; reason: 'not-found' | 'unavailable' | 'too-many' };

export interface ConfigurationCache {
  /** What is in force, at most `intervalMs` old; the last that was had where AppConfig does not answer. */
  get(path: ConfigurationPath): Promise<Answered>;
}

interface Session {
  token: string | undefined;
  last: Configuration | undefined;
  /** When it may be asked for again, ms. */
  dueAt: number;
  /** Callers of one moment share a call. */
  polling: Promise<void> | undefined;
  reason: 'not-found' | 'unavailable';
}

/** As many as AWS's agent is asked for by one function, and more. */
const mostSessions = 20;

/**
 * Configurations of AppConfig, a session each.
 *
 * | session | asked when due and… | → session |
 * |---------|---------------------|-----------|
 * | new     | answers             | open      |
 * | new     | fails               | new: the caller is told |
 * | open    | answers             | open, with the new content or the old |
 * | open    | fails               | lost: the old content is answered |
 * | lost    | answers             | open: with a token of its own |
 */
export function createConfigurationCache(
  { intervalMs }: { intervalMs: number },
  { source, now }: { source: ConfigurationSource; now(): number },
): ConfigurationCache {
  const sessions = new Map<string, Session>();

  async function poll(session: Session, path: ConfigurationPath): Promise<void> {
    try {
      const token = session.token ?? (await source.start(path));
      session.token = undefined;
      const { token: next, changed } = await source.latest(token);
      session.token = next;
      session.last = changed ?? session.last;
    } catch (error) {
      // The token is spent, whatever became of the call.
      session.token = undefined;
      const isMissing = error instanceof Error && error.name === 'ResourceNotFoundException';
      session.reason = isMissing ? 'not-found' : 'unavailable';
    }
    session.dueAt = now() + intervalMs;
    session.polling = undefined;
  }

  return {
    async get(path) {
      const key = `${path.application}/${path.environment}/${path.profile}`;
      const session = sessions.get(key) ?? {
        ...{ token: undefined, last: undefined, dueAt: 0, polling: undefined, reason: 'unavailable' as const },
      };
      if (!sessions.has(key) && sessions.size >= mostSessions) return { ok: false, reason: 'too-many' };
      sessions.set(key, session);
      // Without anything to answer it is asked for each time: a session that never began has no interval.
      if (session.dueAt <= now() || session.last === undefined) session.polling ??= poll(session, path);
      await session.polling;
      return session.last === undefined
        ? { ok: false, reason: session.reason }
        : { ok: true, configuration: session.last };
    },
  };
}
