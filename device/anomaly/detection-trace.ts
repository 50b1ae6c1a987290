import { configSchema } from '../config/schema.ts';
import { compileRules, type DetectionState, detect, initialDetection, type RuleSet } from './detect.ts';
import type { DetectionInput, Transition } from './detection.ts';

/** Inputs for tests of detection, and what they lead to. Instants are ms after the first of 2026. */

export const wallMs = Date.parse('2026-01-01T00:00:00Z');
export const second = 1_000;
export const minute = 60_000;

export const rulesOf = (config: object = {}): RuleSet => compileRules(configSchema.parse(config));
export const defaults = rulesOf();
/** Without an on-delay. */
export const swift = rulesOf({ thresholds: { temperature: { upper: 30, deadband: 0.5, onDelayMs: 0 } } });

export const reading = (ms: number, metrics: Record<string, number>): DetectionInput => ({
  kind: 'reading',
  atMs: wallMs + ms,
  monotonicMs: ms,
  metrics,
});
export const warm = (ms: number, temperature: number) => reading(ms, { temperature });
export const tick = (ms: number): DetectionInput => ({ kind: 'tick', atMs: wallMs + ms, monotonicMs: ms });
/** Readings of one temperature, at a steady interval. */
export const every = (stepMs: number, fromMs: number, toMs: number, temperature: number) =>
  Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, (_, index) =>
    warm(fromMs + index * stepMs, temperature),
  );

export function run(rules: RuleSet, inputs: readonly DetectionInput[], from: DetectionState = initialDetection()) {
  let state = from;
  const transitions: Transition[] = [];
  for (const input of inputs) {
    const detected = detect(rules, state, input);
    state = detected.state;
    transitions.push(...detected.transitions);
  }
  return { state, transitions, told: transitions.map(brief) };
}

const brief = ({ metric, rule, phase, atMs }: Transition) => `${atMs - wallMs} ${metric} ${rule} ${phase}`;
