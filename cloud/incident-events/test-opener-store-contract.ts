import { expect } from 'vitest';
import { accept, type KeyState } from './key-state.ts';
import { knownRowsKept, type OpenerStore } from './opener-ports.ts';
import { anomaly, startMs } from './test-messages.ts';

const policy = { quietMs: 60_000, noteIntervalMs: 0, onRecovery: 'resolve' as const };

/** The state of a key after its first breach. */
export function firing(metric = 'temperature', madeAtMs = startMs): KeyState {
  const key = `hall-2/press-4/${metric}/upper`;
  const { state } = accept(undefined, key, anomaly({ metric }), policy, madeAtMs);
  if (state === undefined) throw new Error('nothing is known of the key');
  return state;
}

/** What every `OpenerStore` does, whatever it stands on. Each part wants an empty store, of an instance of its own. */
export const openerStoreContract: readonly { says: string; holds(store: OpenerStore): Promise<void> }[] = [
  {
    says: 'of those who replace one state of a key one does, and the others hear of it',
    async holds(store) {
      const state = firing();
      expect(await store.load(state.correlationId)).toBeUndefined();
      const first = await Promise.all([1, 2, 3].map(() => store.save(state, undefined)));
      expect(first.toSorted()).toEqual(['changed', 'changed', 'saved']);
      const stored = await store.load(state.correlationId);
      expect(stored?.state).toEqual(state);
      const next = await Promise.all([1, 2, 3].map(() => store.save({ ...state, failures: 7 }, stored?.version)));
      expect(next.toSorted()).toEqual(['changed', 'changed', 'saved']);
      expect(await store.save(state, stored?.version)).toBe('changed');
      const latest = await store.load(state.correlationId);
      expect(latest).toMatchObject({ state: { failures: 7 }, version: (stored?.version ?? 0) + 1 });
    },
  },
  {
    says: 'keys that wait are listed by when they wake, with since when they wait, and no others',
    async holds(store) {
      const told = firing('told');
      await store.save({ ...firing('second'), notBeforeMs: 2_000 }, undefined);
      await store.save({ ...firing('first', 7), notBeforeMs: 1_000 }, undefined);
      await store.save({ ...firing('third'), notBeforeMs: 3_000 }, undefined);
      await store.save(told, undefined);
      const { version } = (await store.load(told.correlationId)) ?? {};
      await store.save({ ...told, entries: [] }, version);
      const names = async (untilMs: number, limit: number) =>
        (await store.waiting(untilMs, limit)).map(({ correlationId }) => correlationId.split('/')[2]);
      expect(await names(2_000, 10)).toEqual(['first', 'second']);
      expect(await names(9_000, 10)).toEqual(['first', 'second', 'third']);
      expect(await names(9_000, 1)).toEqual(['first']);
      expect(await store.waiting(1_000, 1)).toEqual([
        { correlationId: 'hall-2/press-4/first/upper', wakeAtMs: 1_000, sinceMs: 7 },
      ]);
    },
  },
  {
    says: 'the moment in which an instance was first heard of stays',
    async holds(store) {
      expect(await store.instance(5)).toEqual({ firstSeenMs: 5, pausedUntilMs: 0, knownRows: [] });
      expect(await store.instance(9)).toMatchObject({ firstSeenMs: 5 });
    },
  },
  {
    says: 'a pause is replaced by a longer one alone, and ended only by who saw it',
    async holds(store) {
      await store.instance(1);
      await store.pause(500, 'throttled');
      await store.pause(300, 'throttled less');
      expect(await store.instance(1)).toMatchObject({ pausedUntilMs: 500 });
      await store.pause(900, 'login refused');
      await store.resume(500);
      expect(await store.instance(1)).toMatchObject({ pausedUntilMs: 900 });
      await store.resume(900);
      expect(await store.instance(1)).toMatchObject({ pausedUntilMs: 0 });
      await store.resume(900);
      await store.pause(100, 'again');
      expect(await store.instance(1)).toMatchObject({ pausedUntilMs: 100 });
    },
  },
  {
    says: 'of the incidents that are known to exist the latest are kept',
    async holds(store) {
      await store.instance(1);
      for (let place = 0; place < knownRowsKept + 2; place += 1) {
        const { knownRows } = await store.instance(1);
        await store.addKnownRow(`row-${place}`, knownRows);
      }
      const { knownRows } = await store.instance(1);
      expect(knownRows).toEqual(['row-6', 'row-5', 'row-4', 'row-3', 'row-2']);
    },
  },
  {
    says: 'one key makes the first incident, until its time is over',
    async holds(store) {
      await store.instance(1);
      expect(await store.claimFirst('a', 100, 1)).toBe(true);
      expect(await store.claimFirst('b', 150, 50)).toBe(false);
      expect(await store.claimFirst('a', 200, 60)).toBe(true);
      expect(await store.claimFirst('b', 300, 200)).toBe(false);
      expect(await store.claimFirst('b', 300, 201)).toBe(true);
    },
  },
  {
    says: 'an hour has so many new incidents, whoever counts them',
    async holds(store) {
      const counted = await Promise.all([1, 2, 3, 4].map(() => store.countOpening(startMs, 3)));
      expect(counted.filter(Boolean)).toHaveLength(3);
      expect(await store.countOpening(startMs + 3_600_000, 3)).toBe(true);
    },
  },
];
