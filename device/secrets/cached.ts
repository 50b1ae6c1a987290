import type { SecretResult, Secrets } from './secrets.ts';

/**
 * Keeps what was read until a refresh is asked for. Callers at the same time share one reading; failures are not kept.
 * @param load never throws; is told whether a refresh was asked for, where the place has a cache of its own
 */
export function cached(kind: string, load: (refresh: boolean) => Promise<SecretResult>): Secrets {
  let kept: SecretResult | undefined;
  let loading: Promise<SecretResult> | undefined;
  return {
    kind,
    async get(options = {}) {
      if (kept !== undefined && options.refresh !== true) return kept;
      loading ??= load(options.refresh === true).finally(() => {
        loading = undefined;
      });
      const result = await loading;
      kept = result.ok ? result : kept;
      return result;
    },
  };
}
