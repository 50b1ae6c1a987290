import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from 'cockatiel';
import { z } from 'zod';
import type { ProblemKind } from './contract.ts';
import type { IncidentTable } from './service-now.ts';

/** Failures of the instance or of the way to it; what it says about one request is none. */
const failures: readonly ProblemKind[] = [
  'upstream_auth',
  'upstream_invalid',
  'upstream_unreachable',
  'upstream_busy',
  'upstream_timeout',
];

const failed = z.object({ ok: z.literal(false), kind: z.string() });

export interface CircuitSettings {
  /** Failures in a row that open it. */
  failures: number;
  /** How long nothing is asked then; after it one request goes through, and its end closes or opens again. */
  openMs: number;
}

/**
 * Spares an instance that fails, and its callers the wait: after some failures in a row all are answered at once.
 * The state is that of one execution environment of the function; each finds out for itself.
 *
 * closed → (failures in a row) → open → (openMs) → half open → (one success) → closed, or (one failure) → open.
 */
export function withCircuit(table: IncidentTable, settings: CircuitSettings): IncidentTable {
  const policy = circuitBreaker(
    handleWhenResult((result) => {
      const { data } = failed.safeParse(result);
      return data !== undefined && failures.some((kind) => kind === data.kind);
    }),
    { halfOpenAfter: settings.openMs, breaker: new ConsecutiveBreaker(settings.failures) },
  );
  return async (request) => {
    try {
      return await policy.execute(() => table(request));
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      return {
        ok: false,
        kind: 'upstream_busy',
        detail: 'ServiceNow has failed several times in a row and is left alone for a moment.',
        retryAfterSeconds: Math.ceil(settings.openMs / 1_000),
      };
    }
  };
}
