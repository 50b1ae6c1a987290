import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { clockTime, duration, plain, shorten } from '../texts/format.ts';

/** Rule, site and time. The latest message may be read days later, so it says when the breach still lasted. */
export function factsLine({ rule, site, startedAt, endedAt, at }: AnomalyMessage): string {
  const time =
    endedAt === null
      ? `still breaching at ${clockTime(at, '')}`
      : `${clockTime(startedAt, '')} – ${clockTime(endedAt, startedAt)} (${duration(Date.parse(endedAt) - Date.parse(startedAt))})`;
  return [`rule ${rule}`, `site ${shorten(plain(site), 32)}`, time].join('   ·   ');
}

/** What is drawn, of which day, and how far its times can be trusted. */
export function captionLine({ id, clockSynchronised }: AnomalyMessage, instants: readonly number[]): string {
  const [first] = instants;
  const day = first === undefined ? '' : `, from ${clockTime(new Date(first).toISOString(), '')}`;
  const count = instants.length === 1 ? '1 reading' : `${instants.length} readings`;
  const clock = clockSynchronised ? [] : ['clock not synchronised, times may be wrong'];
  return [`${count}${day}`, 'all times UTC', ...clock, `breach ${id}`].join('   ·   ');
}

/** At most six digits; a power of ten where there are more. */
export function compact(value: number): string {
  const short = Number(value.toPrecision(6));
  return Math.abs(short) >= 1e6 || (short !== 0 && Math.abs(short) < 1e-4) ? short.toExponential() : String(short);
}

/** Two decimals, as the incident's texts have, where that says what the value is. */
export function amount(value: number, unit: string): string {
  const rounded = Math.abs(value) < 1e6 && Math.abs(value) >= 0.01 ? Math.round(value * 100) / 100 : value;
  return unit === '' ? compact(rounded) : `${compact(rounded)} ${plain(unit)}`;
}
