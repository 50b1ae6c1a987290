import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { clockTime, plain, quantity, shorten } from './format.ts';

/** Long names are cut here, so that value and limit stay within a short description. */
const longestDeviceName = 48;
const longestMetricName = 32;

/**
 * What happened, in one line: `pi temperature 31.4 °C, above 30 °C since 10:11:50Z`. It says since when, never for how
 * long: a breach may have dipped inside its deadband meanwhile. Of an ended one, and of one whose latest value is back
 * inside the limit, it gives the furthest value.
 */
export function headline(message: AnomalyMessage): string {
  return `${subject(message)}${happening(message)} ${when(message)}`;
}

/** `pi temperature`; `storm at hall 3` and the like where it is about no single device. */
function subject({ rule, metric, deviceId, site }: AnomalyMessage): string {
  const at = shorten(plain(site), longestDeviceName);
  if (rule === 'storm') return `Storm at ${at}`;
  if (rule === 'broker-silent') return `Message broker at ${at}`;
  const device = shorten(plain(deviceId), longestDeviceName);
  return metric === '*' ? device : `${device} ${shorten(plain(metric), longestMetricName)}`;
}

function happening(message: AnomalyMessage): string {
  const { limit, unit } = message;
  const bound = limit === null ? 'its limit' : quantity(limit, unit);
  switch (message.rule) {
    case 'upper':
      return `${figure(message)}, above ${bound}`;
    case 'lower':
      return `${figure(message)}, below ${bound}`;
    case 'rate-of-change':
      return `${figure(message)}, changing faster than ${bound}`;
    case 'ewma':
      return `${figure(message)}, far from its moving average`;
    case 'stuck':
      return message.value === null ? ', stuck' : `, stuck at ${quantity(message.value, unit)}`;
    case 'no-data':
      return ', no data from its sensor';
    case 'device-silent':
      return ', silent';
    case 'broker-silent':
      return ' out of reach';
    case 'storm':
      return message.value === null ? ', many breaches at once' : `, ${message.value} breaches at once`;
  }
}

/** The latest value, or the furthest one where the latest no longer shows the breach. */
function figure(message: AnomalyMessage): string {
  const { value, peak, unit } = message;
  if (value !== null && (peak === null || showsBreach(message, value))) return ` ${quantity(value, unit)}`;
  if (peak === null) return '';
  return message.rule === 'lower' ? ` fell to ${quantity(peak, unit)}` : ` peaked at ${quantity(peak, unit)}`;
}

function showsBreach({ rule, limit, endedAt }: AnomalyMessage, value: number): boolean {
  if (endedAt !== null) return false;
  if (limit === null) return true;
  return rule === 'upper' ? value > limit : rule === 'lower' ? value < limit : true;
}

function when({ startedAt, endedAt, at }: AnomalyMessage): string {
  if (endedAt === null) return `since ${clockTime(startedAt, at)}`;
  return `from ${clockTime(startedAt, at)} to ${clockTime(endedAt, at)}`;
}
