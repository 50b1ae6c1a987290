import type { BreachView, DeviceView, RuleView } from '../../console/contract.ts';

/** Words and figures that more than one part of the page writes. */

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'accent';

/** At most two decimals, without noise. */
export function figure(value: number | null, unit: string): string {
  if (value === null) return '–';
  const rounded = String(Math.round(value * 100) / 100 + 0);
  return unit === '' ? rounded : `${rounded} ${unit}`;
}

export const ruleTones: Readonly<Record<RuleView['state'], Tone>> = {
  firing: 'bad',
  pending: 'warn',
  ok: 'good',
  watched: 'quiet',
  unknown: 'warn',
};

/** How a device is, in a word. */
export function deviceState({ metrics, rules, sensor }: DeviceView): { word: string; tone: Tone } {
  const all = [...rules, ...metrics.flatMap((metric) => metric.rules)];
  const firing = all.filter(({ state }) => state === 'firing').length;
  if (firing > 0) return { word: firing === 1 ? '1 breach' : `${firing} breaches`, tone: 'bad' };
  if (sensor !== null && sensor !== 'ok') return { word: 'sensor fault', tone: 'warn' };
  if (all.some(({ state }) => state === 'pending')) return { word: 'beyond a limit', tone: 'warn' };
  return { word: 'ok', tone: 'good' };
}

/** `humidity upper`; `no-data` where the rule is of the whole sensor. */
export function ruleName({ metric, rule }: Pick<BreachView, 'metric' | 'rule'>): string {
  return metric === '*' ? rule : `${metric} ${rule}`;
}
