import type { BreachView, MetricView } from '../../console/contract.ts';
import { clockText } from '../shared/time-text.ts';
import { Chart } from './chart.tsx';
import { extremesOf, type Point } from './curve.ts';
import { IncidentLink } from './incident-link.tsx';
import { figure, ruleName } from './labels.ts';
import { RuleList } from './rule-list.tsx';
import type { Stretch } from './time-window.ts';

export interface MetricCardProps {
  metric: MetricView;
  points: readonly Point[];
  gapMs: number;
  stretch: Stretch;
  /** Of this metric and of the whole sensor. */
  breaches: readonly BreachView[];
  onSelect: (stretch: Stretch) => void;
  onSilence: (rule: string) => void;
}

/** A metric now and over time. */
export function MetricCard({ metric, points, gapMs, stretch, breaches, onSelect, onSilence }: MetricCardProps) {
  const { unit, upper, lower, deadband, value } = metric;
  const shown = breaches.filter(
    ({ startedAtMs, endedAtMs }) => startedAtMs <= stretch.toMs && (endedAtMs ?? stretch.toMs) >= stretch.fromMs,
  );
  const state = metric.rules.some((rule) => rule.state === 'firing')
    ? 'bad'
    : metric.rules.some((rule) => rule.state === 'pending')
      ? 'warn'
      : undefined;
  return (
    <article class="card" aria-label={metric.metric}>
      <div class="card-header">
        <h3>{metric.metric}</h3>
        <span class={`value ${state ?? ''}`}>{figure(value, unit)}</span>
        <span class="quiet">{limitsText(metric)}</span>
      </div>
      <Chart
        label={chartLabel(metric, points, stretch, shown)}
        {...{ points, gapMs, stretch, upper, lower, deadband, onSelect }}
        breaches={shown}
      />
      <div class="card-body stack">
        <RuleList rules={metric.rules} breaches={breaches} onSilence={onSilence} />
        {shown.length === 0 ? null : (
          <ul class="plain" aria-label={`Breaches of ${metric.metric} on this curve`}>
            {shown.slice(0, 6).map((breach) => (
              <li key={breach.id}>
                <span class="swatch" aria-hidden="true" /> {ruleName(breach)} {clockText(breach.startedAtMs)}–
                {breach.endedAtMs === null ? 'now' : clockText(breach.endedAtMs)} <IncidentLink breach={breach} />
              </li>
            ))}
            {shown.length > 6 ? <li class="quiet">and {shown.length - 6} more, in the list below</li> : null}
          </ul>
        )}
      </div>
    </article>
  );
}

const limitSources: Readonly<Record<MetricView['limitsFrom'], string>> = {
  configuration: '',
  message: ', as the device last told',
  nobody: '',
};

function limitsText({ upper, lower, deadband, unit, limitsFrom }: MetricView): string {
  const limits = [
    ...(upper === null ? [] : [`at most ${figure(upper, unit)}`]),
    ...(lower === null ? [] : [`at least ${figure(lower, unit)}`]),
  ];
  if (limits.length === 0) return 'no limits known';
  const band = deadband === 0 ? '' : `, deadband ${figure(deadband, unit)}`;
  return `${limits.join(', ')}${band}${limitSources[limitsFrom]}`;
}

function chartLabel(
  metric: MetricView,
  points: readonly Point[],
  stretch: Stretch,
  shown: readonly BreachView[],
): string {
  const { fromMs, toMs } = stretch;
  const extremes = extremesOf(points, fromMs, toMs);
  const range =
    extremes === undefined
      ? 'no readings'
      : `from ${figure(extremes.min, metric.unit)} to ${figure(extremes.max, metric.unit)}`;
  const breaches = shown.length === 0 ? 'no breach' : shown.length === 1 ? '1 breach' : `${shown.length} breaches`;
  return `${metric.metric} between ${clockText(fromMs)} and ${clockText(toMs)}: ${range}; ${limitsText(metric)}; ${breaches}`;
}
