import { sized } from './cells.ts';
import { bar, isBeyond, sparkline } from './gauge.ts';
import { type Line, type Look, mark, part, safe } from './line.ts';
import type { MetricView } from './view-model.ts';
import { clockTime, figure } from './words.ts';

/** Name, value, bar, latest values and state of one metric; `now` is what times of day are told against. */
export function metricLine(metric: MetricView, now: number, look: Look): Line {
  const { columns, unicode } = look;
  const { nameWidth, valueWidth, barWidth, sparkWidth, severity } = metricLayout(columns);
  const name = sized(safe(metric.metric, look), nameWidth, mark(look));
  const value = metric.value === undefined ? '-' : `${figure(metric.value)} ${safe(metric.unit, look)}`;
  const limited = metric.upper !== undefined || metric.lower !== undefined;
  const gauge = limited ? bar(metric, barWidth, unicode) : [part(' '.repeat(barWidth))];
  return [
    part('   '),
    part(name),
    part(` ${sized(value, valueWidth, mark(look), 'end')}  `, isBeyond(metric) ? 'bad' : 'strong'),
    ...(barWidth === 0 ? [] : [...gauge, part('  ')]),
    ...(sparkWidth === 0 ? [] : [...sparkline(metric, sparkWidth, unicode), part('  ')]),
    ...stateParts(metric, now, severity),
  ];
}

/** Widths by the width of the terminal alone, so that the lines of all metrics stand in columns. */
function metricLayout(columns: number) {
  const nameWidth = columns < 64 ? 9 : 12;
  const valueWidth = columns < 64 ? 9 : 10;
  const barWidth = columns < 48 ? 0 : Math.min(40, Math.floor(columns / 6));
  const severity = columns >= 96;
  const state = severity ? 34 : 26;
  const rest = columns - (3 + nameWidth + 1 + valueWidth + 2 + barWidth + 2 + 2 + state);
  return { nameWidth, valueWidth, barWidth, severity, sparkWidth: rest < 8 ? 0 : Math.min(60, rest) };
}

function stateParts(metric: MetricView, now: number, withSeverity: boolean): Line {
  const [firing, ...more] = metric.firing;
  if (firing !== undefined) {
    const others = more.length === 0 ? '' : ` +${more.length}`;
    const severity = withSeverity ? `${firing.severity.toUpperCase()} ` : '';
    return [
      part(`${severity}${ruleWords(firing.rule, metric)} since ${clockTime(firing.sinceMs, now)}${others}`, 'bad'),
    ];
  }
  if (metric.pendingSinceMs !== undefined) {
    return [part(`pending since ${clockTime(metric.pendingSinceMs, now)}`, 'waiting')];
  }
  if (metric.value === undefined) return [part('no reading yet', 'quiet')];
  const { lower, upper } = metric;
  const bounds = [
    ...(lower === undefined ? [] : [`from ${figure(lower)}`]),
    ...(upper === undefined ? [] : [`to ${figure(upper)}`]),
  ].join(' ');
  return [part('ok', 'good'), part(bounds === '' ? '' : `  ${bounds}`, 'quiet')];
}

function ruleWords(rule: string, { upper, lower }: MetricView): string {
  if (rule === 'upper' && upper !== undefined) return `above ${figure(upper)}`;
  if (rule === 'lower' && lower !== undefined) return `below ${figure(lower)}`;
  return rule;
}
