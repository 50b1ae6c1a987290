import { z } from 'zod';
import type { Detector, DetectorMemory } from '../detector/judge.ts';
import type { Instant } from '../detector/verdict.ts';
import { rules, severities } from './anomaly.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * What detection knows of one device: plain JSON, as it is saved. A rule that is ok and remembers nothing is not in
 * `rules`, so its size is bounded by the configuration and not by what a device sends.
 */

const number = z.number();
const nullable = number.nullable();
const instant: z.ZodType<Instant> = z.object({ atMs: number, monotonicMs: number });

const detector: z.ZodType<Detector> = z.discriminatedUnion('rule', [
  z.object({ rule: z.enum(['upper', 'lower']), limit: number, deadband: number }),
  z.object({ rule: z.literal('rate-of-change'), perMinute: number, windowMs: number, maxGapMs: nullable }),
  z.object({ rule: z.literal('stuck'), afterMs: number, tolerance: number, maxGapMs: nullable }),
  z.object({
    rule: z.literal('ewma'),
    halfLifeMs: number,
    deviations: number,
    minDeviation: number,
    warmUpMs: number,
    maxGapMs: nullable,
  }),
  z.object({ rule: z.literal('no-data'), afterMs: number }),
]);

const memory: z.ZodType<DetectorMemory> = z.discriminatedUnion('rule', [
  z.object({
    rule: z.literal('rate-of-change'),
    lastMonotonicMs: number,
    samples: z.array(z.tuple([number, number])).max(100),
  }),
  z.object({
    rule: z.literal('stuck'),
    value: number,
    since: instant,
    lastMonotonicMs: number,
    afterGap: z.boolean(),
  }),
  z.object({ rule: z.literal('ewma'), mean: number, variance: number, learnedMs: number, lastMonotonicMs: number }),
]);

const breach = { started: instant, detector, limit: nullable, value: nullable, peak: nullable, reach: number };
const occurrence = { ...breach, severity: z.enum(severities), toldMonotonicMs: number };

const lifecycle: z.ZodType<Lifecycle> = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('ok') }),
  z.object({ phase: z.literal('pending'), ...breach }),
  z.object({ phase: z.literal('firing'), ...occurrence }),
  z.object({
    phase: z.literal('recovering'),
    ...occurrence,
    ended: instant,
    endReason: z.enum(['cleared', 'limit changed']),
  }),
]);

const ruleState = z.object({
  metric: z.string(),
  rule: z.enum(rules),
  lifecycle,
  memory: memory.optional(),
});

const detectionState = z.object({
  version: z.literal(1),
  /** The last reading; of a device that never gave one, the first tick; null before both. */
  silence: z.object({ atMs: number, monotonicMs: number, countsFromMs: number.optional() }).nullable(),
  rules: z.record(z.string(), ruleState),
});

export type RuleState = Readonly<z.infer<typeof ruleState>>;
type Rules = Readonly<Record<string, RuleState>>;

/** Never changed in place: what changes is replaced. */
export type DetectionState = Readonly<Omit<z.infer<typeof detectionState>, 'rules'>> & { readonly rules: Rules };

export function initialDetection(): DetectionState {
  return { version: 1, silence: null, rules: {} };
}

/** A saved state, or undefined where it is none of this version. */
export function parseDetection(saved: unknown): DetectionState | undefined {
  const parsed = detectionState.safeParse(saved);
  return parsed.success ? parsed.data : undefined;
}
