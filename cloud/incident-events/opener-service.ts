import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { correlationId } from '../../device/anomaly/identity.ts';
import { collapse } from './collapse.ts';
import { type Accepted, type AcceptPolicy, accept, redriven } from './key-state.ts';
import type { TellDeps, TellResult } from './tell-deps.ts';
import { tellKey } from './tell-key.ts';

/** What the opener does in one call. */
export interface OpenerService {
  /**
   * Stores what an anomaly changes of its key, and tells ServiceNow what is due of it. What cannot be told now is told
   * by `tellDue` later.
   */
  take(message: AnomalyMessage): Promise<Accepted['outcome']>;
  /**
   * Tells what waited: quiet periods that are over, ends that were not known, an instance that was away.
   * @throws Error when all that can be told was, and a person should know: keys that could not be told because of another
   * failure than the instance's, an instance that is paused, or a key that has waited for more than `longestWaitMs`
   */
  tellDue(): Promise<void>;
  /** Makes what the instance refused of a key wait again, and tells it. */
  redrive(correlationId: string): Promise<void>;
}

/** Keys that one call takes from the index. */
const keysAtATime = 200;
/** What is due and was not told for so long is a person's affair. */
const longestWaitMs = 15 * 60_000;

export function createOpenerService(deps: TellDeps, policy: AcceptPolicy): OpenerService {
  const { store, nowMs } = deps;
  /** Where the instance was away once, the other keys of this call are left for a later one. */
  let isAway = false;

  async function tell(key: string): Promise<TellResult> {
    if (isAway) return 'away';
    const result = await tellKey(key, deps);
    isAway = result === 'away';
    return result;
  }

  /** @throws Error that says what keeps the keys from being told, if anything does */
  async function complain(failures: readonly Error[]): Promise<void> {
    const now = nowMs();
    const left = await store.waiting(now + deps.policy.backoffCapMs, keysAtATime);
    const oldest = left.toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
    const { pausedUntilMs } = await store.instance(now);
    const problems = [...failures];
    if (pausedUntilMs > now) {
      problems.push(new Error(`The instance is left alone until ${new Date(pausedUntilMs).toISOString()}.`));
    }
    if (oldest !== undefined && now - oldest.sinceMs > longestWaitMs) {
      const since = new Date(oldest.sinceMs).toISOString();
      problems.push(new Error(`${oldest.correlationId} has waited since ${since} to be told.`));
    }
    if (problems.length === 0) return;
    const says = problems.map(({ message }) => message);
    throw new AggregateError(problems, `Not all is told. See the runbook: Errors. ${says.slice(0, 5).join(' ')}`);
  }

  return {
    async take(message) {
      const key = correlationId(message);
      for (;;) {
        const known = await store.load(key);
        const { outcome, state } = accept(known?.state, key, message, policy, nowMs());
        const isNew = state !== undefined && state !== known?.state;
        if (isNew) {
          const { kept, left } = collapse(state);
          // Parked first: a call that ends in between parks them once more.
          for (const occurrence of left) await deps.onLeftOut(occurrence);
          if ((await store.save(kept, known?.version)) === 'changed') continue;
        }
        if (state !== undefined) await tell(key);
        return outcome;
      }
    },
    async tellDue() {
      const startedAtMs = nowMs();
      // Keys in backoff are not due for a moment, but may have waited for long.
      const waiting = await store.waiting(startedAtMs + deps.policy.backoffCapMs, keysAtATime);
      if (waiting.length === 0) return;
      const failures: Error[] = [];
      for (const { correlationId: key, wakeAtMs } of waiting) {
        if (wakeAtMs > startedAtMs || nowMs() > deps.deadlineMs) break;
        try {
          if ((await tell(key)) === 'away') break;
        } catch (error) {
          failures.push(
            new Error(`${key}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
          );
        }
      }
      await complain(failures);
    },
    async redrive(key) {
      for (;;) {
        const known = await store.load(key);
        if (known === undefined) return;
        if ((await store.save(redriven(known.state), known.version)) === 'changed') continue;
        await tell(key);
        return;
      }
    },
  };
}
