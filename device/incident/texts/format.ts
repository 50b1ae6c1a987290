/** Control characters, line separators and direction overrides: none of them belongs in a name or a sentence of ours. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
/** ServiceNow shows what stands between these tags as HTML. */
const codeTag = /\[\s*(\/?)\s*code\s*\]/gi;
/** What would be taken for a marker of ours. */
const markerStart = /\[(?=[0-9a-f]{32}:)/g;

/** Text of others as it may stand in an incident: one line, no `[code]`, nothing that looks like a marker. */
export function plain(text: string): string {
  return text.replace(unprintable, ' ').replace(codeTag, '($1code)').replace(markerStart, '(');
}

/** At most `limit` characters (UTF-16 units, as the table counts), the last one `…` where something was cut. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let kept = '';
  for (const character of text) {
    if (kept.length + character.length > limit - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** `31.4 °C`: at most two decimals. */
export function quantity(value: number, unit: string): string {
  const rounded = Math.round(value * 100) / 100 + 0;
  return unit === '' ? String(rounded) : `${rounded} ${plain(unit)}`;
}

/** `10:11:50Z`, or with the day where it is not the day of `reference` (both ISO UTC). */
export function clockTime(iso: string, reference: string): string {
  const seconds = `${iso.slice(0, 19)}Z`;
  return seconds.slice(0, 10) === reference.slice(0, 10) ? seconds.slice(11) : seconds.replace('T', ' ');
}

/** `2 min 5 s`: the two largest units. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
