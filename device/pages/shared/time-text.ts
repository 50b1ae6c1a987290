/** Times as a page writes them: short for the eye, whole and in UTC on demand. */

const pad = (value: number) => String(value).padStart(2, '0');

/** `2026-03-01 10:11:50` in the reader's time zone. */
export function dateTimeText(epochMs: number): string {
  const at = new Date(epochMs);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clockText(epochMs)}`;
}

/** `10:11:50` in the reader's time zone. */
export function clockText(epochMs: number): string {
  const at = new Date(epochMs);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** `2026-03-01T10:11:50Z`, for titles and copies. */
export function utcText(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
] as const;

/** A duration by its two largest units: `2 d 3 h`, `4 min 10 s`, `0 s`. Negative durations are none. */
export function durationText(ms: number): string {
  let seconds = Math.max(0, Math.floor(ms / 1_000));
  const parts: string[] = [];
  for (const unit of units) {
    const count = Math.floor(seconds / unit.seconds);
    seconds -= count * unit.seconds;
    if (count > 0) parts.push(`${count} ${unit.name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

/** Epoch ms of an instance's `yyyy-MM-dd HH:mm:ss` (UTC); undefined for anything else. */
export function parseInstanceTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return undefined;
  const epochMs = Date.parse(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(epochMs) ? undefined : epochMs;
}
