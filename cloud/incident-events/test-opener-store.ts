import { type KeyState, keyState, waitingSinceMs, wakeAtMs } from './key-state.ts';
import { type InstanceState, knownRowsKept, type OpenerStore } from './opener-ports.ts';

/** The opener's table in memory; rows go through their schema, as they do on their way to a real one. */
export function memoryStore(): OpenerStore & { keys: Map<string, { text: string; version: number }>; lose(): void } {
  const keys = new Map<string, { text: string; version: number }>();
  let instance: InstanceState | undefined;
  let first: { key: string; untilMs: number } | undefined;
  const opened = new Map<number, number>();
  const stateOf = (text: string): KeyState => keyState.parse(JSON.parse(text));
  const change = (part: Partial<InstanceState>) => {
    if (instance !== undefined) instance = { ...instance, ...part };
  };
  return {
    keys,
    lose() {
      keys.clear();
      instance = undefined;
      first = undefined;
    },
    async load(correlationId) {
      const row = keys.get(correlationId);
      return row && { state: stateOf(row.text), version: row.version };
    },
    async save(state, version) {
      if (keys.get(state.correlationId)?.version !== version) return 'changed';
      keys.set(state.correlationId, { text: JSON.stringify(state), version: (version ?? 0) + 1 });
      return 'saved';
    },
    async waiting(untilMs, limit) {
      return [...keys]
        .flatMap(([correlationId, { text }]) => {
          const wakesAtMs = wakeAtMs(stateOf(text));
          if (wakesAtMs === undefined || wakesAtMs > untilMs) return [];
          return { correlationId, wakeAtMs: wakesAtMs, sinceMs: waitingSinceMs(stateOf(text)) };
        })
        .toSorted((a, b) => a.wakeAtMs - b.wakeAtMs)
        .slice(0, limit);
    },
    async instance(nowMs) {
      instance ??= { firstSeenMs: nowMs, pausedUntilMs: 0, knownRows: [] };
      return instance;
    },
    async pause(untilMs) {
      if (untilMs > (instance?.pausedUntilMs ?? 0)) change({ pausedUntilMs: untilMs });
    },
    async resume(seenUntilMs) {
      if (instance?.pausedUntilMs === seenUntilMs) change({ pausedUntilMs: 0 });
    },
    async addKnownRow(sysId, known) {
      change({ knownRows: [sysId, ...known].slice(0, knownRowsKept) });
    },
    async claimFirst(key, untilMs, nowMs) {
      if (first !== undefined && first.key !== key && first.untilMs >= nowMs) return false;
      first = { key, untilMs };
      return true;
    },
    async countOpening(nowMs, most) {
      const hour = Math.floor(nowMs / 3_600_000);
      const count = opened.get(hour) ?? 0;
      if (count >= most) return false;
      opened.set(hour, count + 1);
      return true;
    },
  };
}
