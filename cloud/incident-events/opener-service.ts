import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { correlationId } from '../../device/anomaly/identity.ts';
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
  /** Tells what waited: quiet periods that are over, ends that were not known, an instance that was away. */
  tellDue(): Promise<void>;
  /** Makes what the instance refused of a key wait again, and tells it. */
  redrive(correlationId: string): Promise<void>;
}

/** Keys that one call takes from the index. */
const keysAtATime = 200;

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

  return {
    async take(message) {
      const key = correlationId(message);
      for (;;) {
        const known = await store.load(key);
        const { outcome, state } = accept(known?.state, key, message, policy, nowMs());
        const isNew = state !== undefined && state !== known?.state;
        if (isNew && (await store.save(state, known?.version)) === 'changed') continue;
        if (state !== undefined) await tell(key);
        return outcome;
      }
    },
    async tellDue() {
      for (const key of await store.due(nowMs(), keysAtATime)) {
        if ((await tell(key)) === 'away') return;
      }
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
