import type { DestinationFailure } from '../../device/incident/destination.ts';
import type { LookUp } from '../../device/outbox/look-up.ts';
import type { KeyState } from './key-state.ts';
import type { Item, TellDeps, TellResult } from './tell-deps.ts';

/** So often somebody else may be faster before the end of an attempt is left for the settle time to find. */
const mostTries = 20;

/**
 * Writes a change into the latest state of the key.
 * @throws Error where others keep changing it: the attempt stays stored as open, and is looked up after the settle time
 */
export async function amend(
  { stored }: Item,
  { store }: TellDeps,
  change: (state: KeyState) => KeyState,
): Promise<void> {
  const { correlationId } = stored.state;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const latest = await store.load(correlationId);
    if (latest === undefined) return;
    const changed = change(latest.state);
    if (changed === latest.state || (await store.save(changed, latest.version)) === 'saved') return;
  }
  throw new Error(`The state of ${correlationId} changed ${mostTries} times while the end of an attempt was stored.`);
}

/**
 * What a failed look-up means for the key, and for the instance. Nothing was sent: an attempt that is stored is somebody
 * else's, and stays as it is.
 */
export function lookUpFailed(item: Item, failure: DestinationFailure, deps: TellDeps): Promise<TellResult | 'next'> {
  return failed(item, failure, deps, (state) => state);
}

/** What a failed write means: its own attempt is over, or settles from now on where its end is not known. */
export function writeFailed(
  item: Item,
  attemptId: number,
  failure: DestinationFailure,
  deps: TellDeps,
): Promise<TellResult | 'next'> {
  const settlesAtMs = deps.nowMs() + deps.policy.settleMs;
  return failed(item, failure, deps, (state) =>
    failure.kind === 'ambiguous' && state.attempt?.id === attemptId
      ? { ...state, attempt: { ...state.attempt, settlesAtMs } }
      : withoutAttempt(state, attemptId),
  );
}

/** The state without this attempt; another one stays. */
export function withoutAttempt(state: KeyState, attemptId: number | undefined): KeyState {
  return state.attempt?.id === attemptId ? { ...state, attempt: null } : state;
}

/** @param settled What becomes of the attempt. */
async function failed(
  item: Item,
  failure: DestinationFailure,
  deps: TellDeps,
  settled: (state: KeyState) => KeyState,
): Promise<TellResult | 'next'> {
  switch (failure.kind) {
    case 'ambiguous':
    case 'not-sent':
      await amend(item, deps, (state) => later(settled(state), deps));
      return 'away';
    case 'gone':
      await amend(item, deps, (state) => later(settled(state), deps));
      return 'later';
    case 'throttled':
      await amend(item, deps, settled);
      return pause(failure.retryAfterMs, failure.message, deps);
    case 'refused-destination':
      await amend(item, deps, settled);
      if (failure.cause === 'unauthenticated' && (await deps.isLoginRenewed())) return 'next';
      return pause(deps.policy.pauseMs, failure.message, deps);
    case 'refused-record':
      // Parked first: a call that ends in between refuses it once more.
      await deps.onDead(item.occurrence, item.entry, failure.message);
      await amend(item, deps, (state) => ({
        ...settled(state),
        entries: state.entries.map((one) => (one.id === item.entry.id ? { ...one, dead: failure.message } : one)),
      }));
      return 'later';
  }
}

/** Full jitter, doubling with each failure in a row. */
function later(state: KeyState, { policy, nowMs, random }: TellDeps): KeyState {
  const ceilingMs = Math.min(policy.backoffCapMs, policy.backoffBaseMs * 2 ** Math.min(state.failures, 40));
  return { ...state, failures: state.failures + 1, notBeforeMs: nowMs() + random() * ceilingMs };
}

async function pause(ms: number, reason: string, { store, nowMs, onPaused }: TellDeps): Promise<'away'> {
  await store.pause(nowMs() + ms, reason);
  onPaused(reason);
  return 'away';
}

/** An answer that cannot be believed: nothing is written to the instance until its answers can. */
export async function disbelieved(lookUp: LookUp, deps: TellDeps): Promise<TellResult> {
  switch (lookUp.outcome) {
    case 'mismatch':
      return pause(
        deps.policy.pauseMs,
        `The instance answered a look-up with ${lookUp.row.number}, which was not asked for: it dropped a part of the query. ` +
          'Nothing is written until its answers match; check the rights of this user on correlation_id and sys_id.',
        deps,
      );
    case 'blind':
      return pause(
        deps.policy.pauseMs,
        'This user can create but not read incidents: none of the incidents that it made is visible. ' +
          'Grant it read access to the table. If all were deleted, see the README: Known incidents are gone.',
        deps,
      );
    case 'truncated':
    case 'believed':
      return 'later';
  }
}
