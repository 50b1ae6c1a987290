import type { Rule } from '../anomaly/anomaly.ts';
import { type CompiledRule, compileRules, effectiveThresholds, textOf, unitOf } from '../anomaly/rules.ts';
import type { Config } from '../config/schema.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { quantity } from '../incident/texts/format.ts';
import { durationText } from '../pages/shared/time-text.ts';
import type { MetricView, RuleView } from './contract.ts';

/** What is known of a device besides its configuration. */
export interface DeviceFacts {
  site: string;
  deviceId: string;
  /** Latest values by metric. */
  values: ReadonlyMap<string, { atMs: number; value: number }>;
  /** Its latest breach of each key, the firing one where one fires. */
  breaches: readonly Occurrence[];
}

export interface DeviceRules {
  metrics(facts: DeviceFacts): MetricView[];
  /** Rules that speak of the whole sensor or device. */
  whole(facts: DeviceFacts): RuleView[];
}

/** Looked up at each look, for a deployment may change it. */
interface InForce {
  thresholds: ReturnType<typeof effectiveThresholds>;
  compiled: ReturnType<typeof compileRules>;
}

const wholeSensor = '*';
const silencing: readonly Rule[] = ['no-data', 'device-silent'];

/**
 * Limits and rules of devices. Those of this handler's own configuration are known for the device that it names; of
 * another machine's monitor is known what its messages say.
 */
export function createDeviceRules(config: Config): DeviceRules {
  const isOwn = ({ site, deviceId }: DeviceFacts) => site === config.site && deviceId === config.deviceId;

  function metricView(facts: DeviceFacts, metric: string, { thresholds, compiled }: InForce): MetricView {
    const last = facts.values.get(metric);
    const unit = unitOf(metric, 'upper') || unitTold(facts, metric);
    const common = { metric, unit, value: last?.value ?? null, atMs: last?.atMs ?? null };
    const own = isOwn(facts) ? thresholds.get(metric) : undefined;
    if (own === undefined) return { ...common, ...told(facts, metric) };
    const rules = compiled.metrics.filter((rule) => rule.metric === metric);
    return {
      ...common,
      ...{ upper: own.upper ?? null, lower: own.lower ?? null, deadband: own.deadband, limitsFrom: 'configuration' },
      rules: rules.map((rule) => configuredRule(facts, rule, unit)),
    };
  }

  return {
    metrics(facts) {
      const inForce = { thresholds: effectiveThresholds(config), compiled: compileRules(config) };
      const names = new Set(facts.values.keys());
      for (const { message } of facts.breaches) if (message.metric !== wholeSensor) names.add(message.metric);
      const order = [...inForce.thresholds.keys(), ...[...names].sort()];
      return [...new Set(order)].filter((name) => names.has(name)).map((metric) => metricView(facts, metric, inForce));
    },
    whole(facts) {
      const compiled = compileRules(config);
      const noData = firingOf(facts, wholeSensor, 'no-data');
      const silent = firingOf(facts, wholeSensor, 'device-silent');
      const views: RuleView[] = [];
      if (noData !== undefined) views.push(firing(noData));
      else if (isOwn(facts) && compiled.noData !== undefined) {
        const { afterMs } = compiled.noData.detector;
        views.push(calm('no-data', 'ok', `fires ${durationText(afterMs)} after the last reading`));
      }
      if (silent !== undefined) views.push(firing(silent));
      else if (config.handler.deviceSilentMs > 0) {
        const after = durationText(config.handler.deviceSilentMs);
        views.push(calm('device-silent', 'ok', `fires ${after} after the last heartbeat`));
      }
      return views;
    },
  };
}

/** The rules of a metric as its device's messages tell them. */
function told(facts: DeviceFacts, metric: string): Omit<MetricView, 'metric' | 'unit' | 'value' | 'atMs'> {
  const breaches = facts.breaches.filter(({ message }) => message.metric === metric);
  const limitOf = (rule: Rule) => breaches.find(({ message }) => message.rule === rule)?.message.limit ?? null;
  return {
    upper: limitOf('upper'),
    lower: limitOf('lower'),
    deadband: breaches.find(({ message }) => message.deadband !== null)?.message.deadband ?? 0,
    limitsFrom: breaches.length === 0 ? 'nobody' : 'message',
    rules: breaches.map((breach) => {
      const { rule, limit, unit } = breach.message;
      if (breach.phase === 'firing') return firing(breach);
      if (isUnheard(facts)) return calm(rule, 'unknown', unheardText(facts));
      return calm(rule, 'watched', limit === null ? 'its last breach has ended' : `limit ${quantity(limit, unit)}`);
    }),
  };
}

function configuredRule(facts: DeviceFacts, compiled: CompiledRule, unit: string): RuleView {
  const { metric, detector, onDelayMs } = compiled;
  const { rule } = detector;
  const open = firingOf(facts, metric, rule);
  if (open !== undefined) return firing(open, isUnheard(facts));
  if (isUnheard(facts)) return calm(rule, 'unknown', unheardText(facts));
  switch (detector.rule) {
    case 'upper':
    case 'lower': {
      const value = facts.values.get(metric)?.value;
      if (value === undefined) return calm(rule, 'unknown', 'no reading yet');
      const [beyond, within] = rule === 'upper' ? ['above', 'at most'] : ['below', 'at least'];
      const limit = quantity(detector.limit, unit);
      const isBeyond = rule === 'upper' ? value > detector.limit : value < detector.limit;
      if (!isBeyond) return calm(rule, 'ok', `${within} ${limit}`);
      return calm(rule, 'pending', `${beyond} ${limit}; fires once that has lasted ${durationText(onDelayMs)}`);
    }
    case 'rate-of-change':
      return calm(rule, 'watched', `fires at more than ${quantity(detector.perMinute, unit)} a minute`);
    case 'stuck':
      return calm(rule, 'watched', `fires when the value has not changed for ${durationText(detector.afterMs)}`);
    case 'ewma':
      return calm(rule, 'watched', `fires beyond ${detector.deviations} standard deviations of its moving average`);
    case 'no-data':
      return calm(rule, 'watched', textOf(rule));
  }
}

function firing({ id, message }: Occurrence, isBlind = false): RuleView {
  const { rule, value, peak, limit, unit, severity, startedAt } = message;
  // The latest value stands above the curve; the message's is of when it was sent.
  const furthest = peak ?? value;
  const parts = [
    furthest === null || limit === null
      ? textOf(rule)
      : `peak ${quantity(furthest, unit)}, limit ${quantity(limit, unit)}`,
    ...(isBlind ? ['its end cannot be seen while the sensor does not speak'] : []),
  ];
  return { rule, state: 'firing', reason: parts.join('; '), severity, sinceMs: Date.parse(startedAt), breachId: id };
}

function calm(rule: Rule, state: RuleView['state'], reason: string): RuleView {
  return { rule, state, reason, severity: null, sinceMs: null, breachId: null };
}

function firingOf({ breaches }: DeviceFacts, metric: string, rule: Rule): Occurrence | undefined {
  return breaches.find(
    ({ phase, message }) => phase === 'firing' && message.metric === metric && message.rule === rule,
  );
}

function unheardOf({ breaches }: DeviceFacts): Occurrence | undefined {
  return breaches.find(
    ({ phase, message }) => phase === 'firing' && message.metric === wholeSensor && silencing.includes(message.rule),
  );
}

const isUnheard = (facts: DeviceFacts) => unheardOf(facts) !== undefined;

function unheardText(facts: DeviceFacts): string {
  const rule = unheardOf(facts)?.message.rule;
  return rule === undefined ? '' : `${textOf(rule)}: it neither fires nor ends meanwhile`;
}

function unitTold({ breaches }: DeviceFacts, metric: string): string {
  const told = breaches.find(({ message }) => message.metric === metric && message.rule !== 'rate-of-change');
  return told?.message.unit ?? '';
}
