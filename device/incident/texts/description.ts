import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { correlationId } from '../../anomaly/identity.ts';
import { duration, plain, quantity } from './format.ts';
import { headline } from './headline.ts';
import { breachLine } from './marks.ts';

export interface DescriptionExtras {
  /** A UTC instant in local time with its zone; undefined where local time is UTC. */
  localTime: (iso: string) => string | undefined;
  /** Link to the curve; undefined where nobody could open it. */
  curve: string | undefined;
  /** Sentence on a late report, or empty. */
  late: string;
  /** Sentence on an earlier incident, or empty. */
  follows: string;
}

/** Body of a new incident: what happened, a table of facts, and the line for audits. */
export function description(message: AnomalyMessage, extras: DescriptionExtras): string {
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['Device', plain(message.deviceId)],
    ['Site', plain(message.site)],
    ['Metric', message.metric === '*' ? undefined : plain(message.metric)],
    ['Rule', message.rule],
    ['What', message.text === '' ? undefined : plain(message.text)],
    ['Limit', limit(message)],
    ['First breach', instant(message.startedAt, extras)],
    ['Ended', message.endedAt === null ? undefined : instant(message.endedAt, extras)],
    ['Value', message.value === null ? undefined : quantity(message.value, message.unit)],
    ['Peak', message.peak === null ? undefined : quantity(message.peak, message.unit)],
    ['Trend', trend(message)],
    ['Severity', message.severity],
    ['Curve', extras.curve],
    ['Configuration', plain(message.configVersion)],
    ['Clock', clock(message)],
    ['Key', correlationId(message)],
  ];
  const table = facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])).join('\n');
  const parts = [`${headline(message)}.`, extras.late, extras.follows, table, breachLine(message)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function instant(iso: string, { localTime }: DescriptionExtras): string {
  const local = localTime(iso);
  return local === undefined ? iso : `${iso} (${local})`;
}

function limit({ rule, limit: bound, deadband, unit }: AnomalyMessage): string | undefined {
  if (bound === null) return undefined;
  const text = quantity(bound, unit);
  if (deadband === null || deadband === 0 || (rule !== 'upper' && rule !== 'lower')) return text;
  const clears = rule === 'upper' ? bound - deadband : bound + deadband;
  return `${text}, clears at ${quantity(clears, unit)} (deadband ${quantity(deadband, unit)})`;
}

/** Change over the readings that the message carries; only where they have the unit of the limit. */
function trend({ rule, window, unit }: AnomalyMessage): string | undefined {
  if (rule !== 'upper' && rule !== 'lower' && rule !== 'ewma') return undefined;
  const first = window[0];
  const last = window.at(-1);
  if (first === undefined || last === undefined || last[0] <= first[0]) return undefined;
  const elapsedMs = last[0] - first[0];
  const perMinute = ((last[1] - first[1]) / elapsedMs) * 60_000;
  return `${perMinute > 0 ? '+' : ''}${quantity(perMinute, unit)} a minute over ${duration(elapsedMs)}`;
}

function clock({ clockSynchronised, clockSource }: AnomalyMessage): string | undefined {
  return clockSynchronised
    ? undefined
    : `not synchronised when this was measured (source: ${plain(clockSource)}): times may be wrong`;
}
