import { plain } from '../texts/format.ts';

/** Readable in an incident's form without zooming, at about 35 KB. */
export const width = 880;
export const height = 430;
export const plot = { left: 70, right: width - 140, top: 104, bottom: height - 62 };

export const ink = { text: '#1f2933', faint: '#616e7c', grid: '#e4e7eb', line: '#2060a8', breach: '#c62828' };

/** At most six digits; a power of ten where there are more. */
export function compact(value: number): string {
  const short = Number(value.toPrecision(6));
  return Math.abs(short) >= 1e6 || (short !== 0 && Math.abs(short) < 1e-4) ? short.toExponential() : String(short);
}

/** Two decimals, as the incident's texts have. */
export function amount(value: number, unit: string): string {
  const rounded = Math.abs(value) < 1e6 && Math.abs(value) >= 0.01 ? Math.round(value * 100) / 100 : value;
  return unit === '' ? compact(rounded) : `${compact(rounded)} ${plain(unit)}`;
}

/** A coordinate with one digit after the point. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

const special: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** What XML 1.0 does not allow in text, lone surrogates among it. */
const notXml = /[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

export function escaped(text: string): string {
  return text.replace(notXml, ' ').replace(/[&<>"']/g, (character) => special[character] ?? '');
}
