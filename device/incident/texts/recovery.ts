import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { duration, quantity } from './format.ts';

/** How a breach ended: its times, how long it lasted, its peak and the value that it recovered to. */
export function recovery(message: AnomalyMessage): string {
  if (message.endReason === 'no longer known') {
    return 'Ended: the device does not know this breach any more, so the time of its end is not known.';
  }
  const ended = message.endedAt ?? message.at;
  const lasted = duration(Date.parse(ended) - Date.parse(message.startedAt));
  return `${opening(message)}: from ${message.startedAt} to ${ended}, ${lasted}${peakText(message)}.`;
}

function opening({ rule, endReason, value, unit }: AnomalyMessage): string {
  if (endReason !== null && endReason !== 'cleared') return `Ended (${endReason})`;
  switch (rule) {
    case 'no-data':
      return 'The sensor gives data again';
    case 'device-silent':
      return 'The device speaks again';
    case 'broker-silent':
      return 'The message broker can be reached again';
    case 'storm':
      return 'All breaches listed here have ended';
    default:
      return value === null ? 'Recovered' : `Recovered at ${quantity(value, unit)}`;
  }
}

/** `, peak 34.2 °C`; empty where the rule has none. A storm's is a count. */
export function peakText({ rule, peak, unit }: AnomalyMessage): string {
  if (peak === null) return '';
  return rule === 'storm' ? `, ${peak} breaches` : `, peak ${quantity(peak, unit)}`;
}
