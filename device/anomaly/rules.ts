import type { Config, MetricThresholds } from '../config/schema.ts';
import type { Detector, MetricDetector } from '../detector/judge.ts';
import type { NoDataSettings } from '../detector/no-data.ts';
import type { Rule } from './anomaly.ts';
import type { LifecycleSettings } from './lifecycle.ts';

/** One rule on one metric (no-data: on the whole sensor, `*`), ready to be judged. */
export interface CompiledRule<D extends Detector = Detector> extends LifecycleSettings {
  /** Where the state of the rule is kept: unique in the rule set. */
  key: string;
  metric: string;
  detector: D;
}

/** All rules of one configuration; the same for every device. */
export interface RuleSet {
  noData: CompiledRule<NoDataSettings> | undefined;
  metrics: readonly CompiledRule<MetricDetector>[];
}

/** Limits of one metric with every default in place. */
export type EffectiveThresholds = MetricThresholds & { deadband: number };

/** The metric of a rule that speaks of the whole sensor. */
const wholeSensor = '*';

const defaultDeadband: ReadonlyMap<string, number> = new Map([
  ['temperature', 0.5],
  ['humidity', 2],
]);
const units: ReadonlyMap<string, string> = new Map([
  ['temperature', '°C'],
  ['humidity', '%RH'],
  ['pressure', 'hPa'],
]);
const texts: Readonly<Record<Rule, string>> = {
  upper: 'above the limit',
  lower: 'below the limit',
  'rate-of-change': 'changes faster than the limit',
  stuck: 'the value does not change',
  'no-data': 'no readings',
  ewma: 'far from its moving average',
  'device-silent': 'no sign of the device',
  'broker-silent': 'no connection to the message broker',
  storm: 'many breaches at once',
};

/** Unit of value, limit and peak of a rule; empty where it has none or where the metric's is not known. */
export function unitOf(metric: string, rule: Rule): string {
  if (rule === 'no-data') return '';
  const unit = units.get(metric) ?? '';
  return rule === 'rate-of-change' ? `${unit}/min` : unit;
}

/** What happened, for people, without numbers that change. */
export function textOf(rule: Rule): string {
  return texts[rule];
}

function ruleKey(metric: string, rule: Rule): string {
  return `${metric}/${rule}`;
}

/**
 * Limits by metric with every default in place. The configuration brings the default limits itself (an absent `upper`
 * is one that was switched off); what it cannot say there is the deadband, whose default hangs on the metric.
 */
export function effectiveThresholds({
  thresholds,
}: Pick<Config, 'thresholds'>): ReadonlyMap<string, EffectiveThresholds> {
  return new Map(
    Object.entries(thresholds).map(([metric, given]) => [
      metric,
      { ...given, deadband: given.deadband ?? defaultDeadband.get(metric) ?? 0 },
    ]),
  );
}

/** The rules that a configuration asks for: made once for each configuration, not for each device. */
export function compileRules(config: Pick<Config, 'thresholds' | 'noData' | 'anomaly'>): RuleSet {
  const { noData, anomaly } = config;
  const { updateIntervalMs } = anomaly;
  const maxGapMs = noData.enabled ? noData.afterMs : null;
  const metrics = [...effectiveThresholds(config)].flatMap(([metric, thresholds]) =>
    detectorsOf(thresholds, maxGapMs).map((detector) => ({
      key: ruleKey(metric, detector.rule),
      metric,
      detector,
      // What is found to be stuck has been so for `afterMs` already.
      onDelayMs: detector.rule === 'stuck' ? 0 : thresholds.onDelayMs,
      offDelayMs: thresholds.offDelayMs,
      updateIntervalMs,
      severity: thresholds.severity,
      tiers: tiersOf(detector, thresholds),
    })),
  );
  return { noData: noData.enabled ? noDataRule(noData, updateIntervalMs) : undefined, metrics };
}

function noDataRule({ afterMs, severity }: Config['noData'], updateIntervalMs: number): CompiledRule<NoDataSettings> {
  const key = ruleKey(wholeSensor, 'no-data');
  const detector = { rule: 'no-data', afterMs } as const;
  return { key, metric: wholeSensor, detector, onDelayMs: 0, offDelayMs: 0, updateIntervalMs, severity, tiers: [] };
}

function detectorsOf(thresholds: EffectiveThresholds, maxGapMs: number | null): MetricDetector[] {
  const { upper, lower, deadband, rateOfChange, stuck, ewma } = thresholds;
  const detectors: MetricDetector[] = [];
  if (upper !== undefined) detectors.push({ rule: 'upper', limit: upper, deadband });
  if (lower !== undefined) detectors.push({ rule: 'lower', limit: lower, deadband });
  if (rateOfChange !== undefined) detectors.push({ rule: 'rate-of-change', ...rateOfChange, maxGapMs });
  if (stuck !== undefined) detectors.push({ rule: 'stuck', ...stuck, maxGapMs });
  if (ewma !== undefined) detectors.push({ rule: 'ewma', ...ewma, maxGapMs });
  return detectors;
}

/** Tiers are distances in the metric's unit beyond a limit in that unit: the other rules have none. */
function tiersOf(detector: MetricDetector, { tiers }: EffectiveThresholds): LifecycleSettings['tiers'] {
  if (detector.rule !== 'upper' && detector.rule !== 'lower') return [];
  const { rule, limit } = detector;
  return [...tiers]
    .sort((a, b) => a.beyond - b.beyond)
    .map(({ beyond, severity }) => ({ from: rule === 'upper' ? limit + beyond : limit - beyond, severity }));
}
