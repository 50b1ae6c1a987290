import type { z } from 'zod';
import {
  configurationInForce,
  deadLetters,
  deviceSeries,
  overview,
  refusal,
  type SilenceRequest,
} from '../../console/contract.ts';

export type Answer<T> = { ok: true; value: T } | { ok: false; status: number; error: string };

/** The console's server. `token` is asked at each request. */
export function createConsoleApi(token: () => string | undefined) {
  async function ask(path: string, init: RequestInit = {}): Promise<Answer<unknown>> {
    const shown = token();
    const headers = { ...(shown === undefined ? {} : { Authorization: `Bearer ${shown}` }), ...init.headers };
    try {
      const response = await fetch(path, { ...init, headers });
      const body: unknown = await response.json().catch(() => undefined);
      if (response.ok) return { ok: true, value: body };
      const told = refusal.safeParse(body);
      const error = told.success ? told.data.error : `The handler refused with status ${response.status}.`;
      return { ok: false, status: response.status, error };
    } catch {
      return { ok: false, status: 0, error: 'The handler does not answer. Check that it runs, then try again.' };
    }
  }

  async function read<T>(schema: z.ZodType<T>, path: string): Promise<Answer<T>> {
    const answer = await ask(path);
    if (!answer.ok) return answer;
    const parsed = schema.safeParse(answer.value);
    if (parsed.success) return { ok: true, value: parsed.data };
    return { ok: false, status: 0, error: 'The handler is of another release than this page: load the page again.' };
  }

  const write = (method: string, path: string, body?: unknown) =>
    ask(path, {
      method,
      ...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });

  return {
    overview: () => read(overview, '/api/overview'),
    series(query: { site: string; deviceId: string; fromMs: number; toMs: number; points: number }) {
      const { site, deviceId, fromMs, toMs, points } = query;
      const asked = new URLSearchParams({
        ...{ site, device: deviceId, points: String(points) },
        ...{ from: String(Math.floor(fromMs)), to: String(Math.ceil(toMs)) },
      });
      return read(deviceSeries, `/api/series?${asked}`);
    },
    deadLetters: () => read(deadLetters, '/api/dead-letters'),
    configuration: () => read(configurationInForce, '/api/configuration'),
    /** Whether the token is the right one. */
    showToken: () => write('POST', '/api/session'),
    redrive: (ids: readonly number[] | 'all') => write('POST', '/api/dead-letters/redrive', { ids }),
    silence: (request: SilenceRequest) => write('POST', '/api/silences', request),
    endSilence: (id: string) => write('DELETE', `/api/silences/${encodeURIComponent(id)}`),
  };
}

export type ConsoleApi = ReturnType<typeof createConsoleApi>;
