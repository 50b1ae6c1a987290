import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** Bound, ms. Default 20 s, as the slowest source polls every few seconds. */
  limitMs?: number;
  /** Between two looks, ms. */
  everyMs?: number;
}

/**
 * Looks until a check holds, that is, does not throw; answers what it answers. At the limit its last error is thrown, with how often
 * it looked.
 */
export async function eventually<T>(check: () => Promise<T> | T, patience: Patience = {}): Promise<T> {
  const { limitMs = 20_000, everyMs = 100 } = patience;
  const until = performance.now() + limitMs;
  for (let looks = 1; ; looks += 1) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() + everyMs <= until) await pause(everyMs);
      else throw told(error, `not within ${limitMs / 1_000} s (${looks} looks): `);
    }
  }
}

/** The same error, so that a failed expectation keeps its difference. */
function told(error: unknown, prefix: string): unknown {
  if (error instanceof Error) error.message = `${prefix}${error.message}`;
  return error;
}
