import type { DetectorMemory } from '../detector/judge.ts';
import type { Instant } from '../detector/verdict.ts';
import type { Transition } from './detection.ts';
import type { DetectionState, RuleState } from './detection-state.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { RuleSet } from './rules.ts';
import { ongoing, resolved } from './transition.ts';

interface Changed {
  state: DetectionState;
  transitions: readonly Transition[];
}

/**
 * To be called after a change of the configuration and after a saved state was read: what fires under a rule that is no
 * more ends at `at` (one that was recovering: when it cleared). Other changes count from the next reading on.
 */
export function applyRules(rules: RuleSet, state: DetectionState, at: Instant): Changed {
  const kept = new Set([...rules.metrics, ...(rules.noData === undefined ? [] : [rules.noData])].map(({ key }) => key));
  const transitions: Transition[] = [];
  for (const [key, rule] of Object.entries(state.rules)) {
    const { lifecycle } = rule;
    if (kept.has(key) || lifecycle.phase === 'ok' || lifecycle.phase === 'pending') continue;
    const endedAtMs = lifecycle.phase === 'recovering' ? lifecycle.ended.atMs : at.atMs;
    transitions.push(resolved(rule, lifecycle, { endedAtMs, endReason: 'rule removed' }, at.atMs));
  }
  const left = Object.entries(state.rules).filter(([key]) => kept.has(key));
  return { state: { ...state, rules: Object.fromEntries(left) }, transitions };
}

/**
 * To be called after a restart: from `monotonicMs` on somebody listens again, so silence counts from there. An outage of
 * the monitor is not one of the sensor; should the sensor be silent now, it still is so since its last reading.
 */
export function resumeListening(state: DetectionState, monotonicMs: number): DetectionState {
  if (state.silence === null) return state;
  return { ...state, silence: { ...state.silence, countsFromMs: monotonicMs } };
}

/**
 * Moves every monotonic instant by `byMs`: those of another boot, or process, mean nothing on this clock. The shift that
 * keeps durations is `now's monotonic − now's wall − (then's monotonic − then's wall)`, as far as wall time is to be
 * trusted.
 */
export function rebaseMonotonic(state: DetectionState, byMs: number): DetectionState {
  const rebase = (instant: Instant): Instant => ({ ...instant, monotonicMs: instant.monotonicMs + byMs });
  const { countsFromMs } = state.silence ?? {};
  const moved = mapInstants(state, rebase);
  const silence =
    moved.silence === null || countsFromMs === undefined
      ? moved.silence
      : { ...moved.silence, countsFromMs: countsFromMs + byMs };
  return { ...moved, silence, rules: mapRules(moved, (rule) => rebaseRule(rule, byMs)) };
}

/**
 * Moves the wall stamps by `byMs`, once it is known by how much the clock was wrong: those that were made at or after
 * the monotonic instant `sinceMonotonicMs`, all without it. What fires and began by a stamp so corrected is told again.
 */
export function correctStamps(
  state: DetectionState,
  byMs: number,
  sinceMonotonicMs: number = Number.NEGATIVE_INFINITY,
): Changed {
  const corrected = mapInstants(state, (instant) =>
    instant.monotonicMs < sinceMonotonicMs ? instant : { ...instant, atMs: instant.atMs + byMs },
  );
  const transitions = Object.values(corrected.rules).flatMap((rule) => {
    const { lifecycle } = rule;
    if (lifecycle.phase !== 'firing' && lifecycle.phase !== 'recovering') return [];
    if (byMs === 0 || lifecycle.started.monotonicMs < sinceMonotonicMs) return [];
    return [ongoing(rule, 'updated', lifecycle, corrected.silence?.atMs ?? lifecycle.started.atMs)];
  });
  return { state: corrected, transitions };
}

function mapRules({ rules }: DetectionState, change: (rule: RuleState) => RuleState): DetectionState['rules'] {
  return Object.fromEntries(Object.entries(rules).map(([key, rule]) => [key, change(rule)]));
}

function mapInstants(state: DetectionState, change: (instant: Instant) => Instant): DetectionState {
  const silence = state.silence === null ? null : { ...state.silence, ...change(state.silence) };
  const rules = mapRules(state, (rule) => {
    const lifecycle = mapLifecycle(rule.lifecycle, change);
    if (rule.memory?.rule !== 'stuck') return { ...rule, lifecycle };
    return { ...rule, lifecycle, memory: { ...rule.memory, since: change(rule.memory.since) } };
  });
  return { ...state, silence, rules };
}

function mapLifecycle(lifecycle: Lifecycle, change: (instant: Instant) => Instant): Lifecycle {
  switch (lifecycle.phase) {
    case 'ok':
      return lifecycle;
    case 'pending':
    case 'firing':
      return { ...lifecycle, started: change(lifecycle.started) };
    case 'recovering':
      return { ...lifecycle, started: change(lifecycle.started), ended: change(lifecycle.ended) };
  }
}

/** The monotonic instants that have no wall time beside them. */
function rebaseRule(rule: RuleState, byMs: number): RuleState {
  const { lifecycle, memory } = rule;
  const told = lifecycle.phase === 'firing' || lifecycle.phase === 'recovering';
  return {
    ...rule,
    lifecycle: told ? { ...lifecycle, toldMonotonicMs: lifecycle.toldMonotonicMs + byMs } : lifecycle,
    ...(memory === undefined ? {} : { memory: rebaseMemory(memory, byMs) }),
  };
}

function rebaseMemory(memory: DetectorMemory, byMs: number): DetectorMemory {
  const lastMonotonicMs = memory.lastMonotonicMs + byMs;
  if (memory.rule !== 'rate-of-change') return { ...memory, lastMonotonicMs };
  return { ...memory, lastMonotonicMs, samples: memory.samples.map(([at, value]) => [at + byMs, value] as const) };
}
