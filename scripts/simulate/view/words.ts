/** `10:11:50Z`; the day stands before it where it is not the day of `referenceMs`. */
export function clockTime(atMs: number, referenceMs: number): string {
  const iso = instant(atMs);
  const day = iso.slice(0, 10);
  const time = `${iso.slice(11, 19)}Z`;
  return day === instant(referenceMs).slice(0, 10) ? time : `${day} ${time}`;
}

function instant(atMs: number): string {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? '????-??-??T??:??:??' : date.toISOString();
}

/** `2015-08-22 10:11:50Z`. */
export function dayAndTime(atMs: number): string {
  return `${instant(atMs).slice(0, 19).replace('T', ' ')}Z`;
}

/** `00:23`, `1:02:03`. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (number: number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** `3 s`, `2 min`. */
export function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** One decimal below 1,000, none from there on. */
export function figure(value: number): string {
  return Math.abs(value) < 1_000 ? (Math.round(value * 10) / 10 + 0).toFixed(1) : String(Math.round(value));
}

/** `1 note`, `3 notes`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
