import { type DetectorMemory, judge, type MetricDetector } from '../detector/judge.ts';
import { type NoDataSettings, noData, silenceDueMs } from '../detector/no-data.ts';
import type { Instant, Verdict } from '../detector/verdict.ts';
import type { Metrics } from '../reading/reading.ts';
import type { DetectionInput, Transition } from './detection.ts';
import type { DetectionState } from './detection-state.ts';
import { type EndReason, ok, step } from './lifecycle.ts';
import type { CompiledRule, RuleSet } from './rules.ts';
import { type FiringOccurrence, firingOccurrence, ongoing, resolved } from './transition.ts';

export { type DetectionState, initialDetection, parseDetection } from './detection-state.ts';
export { applyRules, correctStamps, rebaseMonotonic, resumeListening } from './detection-upkeep.ts';
export { compileRules, type RuleSet } from './rules.ts';
export type { FiringOccurrence } from './transition.ts';

/**
 * All rules of one device, as the monitor uses them. Readings drive every rule, ticks drive no-data alone: while it
 * holds there are no readings, so the other rules stand still by themselves.
 *
 * | input                          | no-data                                  | rules of metrics                     |
 * |--------------------------------|------------------------------------------|--------------------------------------|
 * | reading with a finite value    | resolved if it fires; silence begins anew | a step each, if the metric is in it |
 * | reading without a finite value | –                                        | –                                    |
 * | tick before silence is due     | –                                        | –                                    |
 * | tick once it is due            | firing, since the last reading; told once | –                                   |
 */
export interface Detected {
  state: DetectionState;
  /** In the order in which they are to be told. */
  transitions: readonly Transition[];
}

const nothing: readonly Transition[] = [];
const neverSilent: NoDataSettings = { rule: 'no-data', afterMs: Number.POSITIVE_INFINITY };

/**
 * Shows one input to all rules of a device. Pure: the given state is left as it was, and parts that did not change are
 * shared. After a change of the rules, call `applyRules` first.
 */
export function detect(rules: RuleSet, state: DetectionState, input: DetectionInput): Detected {
  if (input.kind === 'reading' && !hasValue(input.metrics)) return { state, transitions: nothing };
  const transitions: Transition[] = [];
  const listener = rules.noData?.detector ?? neverSilent;
  const { state: silence, verdict } = noData(listener, state.silence ?? undefined, input.kind, input);
  let known = state.rules;
  // A silence that is told already has nothing new to say until a reading ends it.
  if (rules.noData !== undefined && (input.kind === 'reading' || !(rules.noData.key in known))) {
    known = advance(rules.noData, known, undefined, verdict, input, transitions);
  }
  if (input.kind === 'reading') {
    for (const rule of rules.metrics) known = judgeMetric(rule, known, input.metrics, input, transitions);
  }
  if (silence === state.silence && known === state.rules) return { state, transitions: nothing };
  return { state: { version: 1, silence, rules: known }, transitions };
}

/**
 * Monotonic instant from which on a tick changes something, so that one timer serves many devices; undefined where only
 * a reading can. Minus infinity for a device that was shown nothing yet: its first tick begins the silence.
 */
export function noDataDueMs({ noData }: RuleSet, { silence, rules }: DetectionState): number | undefined {
  if (noData === undefined || noData.key in rules) return undefined;
  return silence === null ? Number.NEGATIVE_INFINITY : silenceDueMs(noData.detector, silence);
}

/** What fires now, an occurrence in its off-delay too. */
export function firing(state: DetectionState): readonly FiringOccurrence[] {
  return Object.values(state.rules).flatMap((rule) => {
    const { lifecycle } = rule;
    const fires = lifecycle.phase === 'firing' || lifecycle.phase === 'recovering';
    return fires ? [firingOccurrence(rule, lifecycle)] : [];
  });
}

/** Nothing fires, is pending or recovers. */
export function isAtRest(state: DetectionState): boolean {
  return Object.values(state.rules).every(({ lifecycle }) => lifecycle.phase === 'ok');
}

/** A gateway's device may send what it likes, so a name is looked up and never written, and a value need not be one. */
function judgeMetric(
  rule: CompiledRule<MetricDetector>,
  known: DetectionState['rules'],
  metrics: Metrics,
  at: Instant,
  transitions: Transition[],
): DetectionState['rules'] {
  const value = metrics[rule.metric];
  if (value === undefined || !Number.isFinite(value)) return known;
  const before = known[rule.key];
  const sample = { value, atMs: at.atMs, monotonicMs: at.monotonicMs };
  const { state: memory, verdict } = judge(rule.detector, before?.memory, sample);
  let endReason: EndReason = 'cleared';
  if (verdict.kind === 'clear' && before?.lifecycle.phase === 'firing') {
    const { detector } = before.lifecycle;
    const formerly = detector.rule === 'no-data' ? verdict : judge(detector, before.memory, sample).verdict;
    if (formerly.kind === 'breaching' || formerly.kind === 'holding') endReason = 'limit changed';
  }
  return advance(rule, known, memory, verdict, at, transitions, endReason);
}

function advance(
  rule: CompiledRule,
  known: DetectionState['rules'],
  memory: DetectorMemory | undefined,
  verdict: Verdict,
  at: Instant,
  transitions: Transition[],
  endReason?: EndReason,
): DetectionState['rules'] {
  const { key, metric } = rule;
  const before = known[key];
  const lifecycle = before?.lifecycle ?? ok;
  const next = step(rule, lifecycle, verdict, at, endReason);
  if (next.lifecycle === lifecycle && memory === before?.memory) return known;
  const of = { metric, rule: rule.detector.rule };
  if (next.told?.phase === 'resolved') {
    const { ended, endReason: reason } = next.told.occurrence;
    transitions.push(resolved(of, next.told.occurrence, { endedAtMs: ended.atMs, endReason: reason }, at.atMs));
  } else if (next.told !== undefined) {
    transitions.push(ongoing(of, next.told.phase, next.told.occurrence, at.atMs));
  }
  if (memory !== undefined) return { ...known, [key]: { ...of, lifecycle: next.lifecycle, memory } };
  if (next.lifecycle.phase !== 'ok') return { ...known, [key]: { ...of, lifecycle: next.lifecycle } };
  const { [key]: _, ...rest } = known;
  return rest;
}

function hasValue(metrics: Metrics): boolean {
  for (const metric in metrics) {
    if (Number.isFinite(metrics[metric])) return true;
  }
  return false;
}
