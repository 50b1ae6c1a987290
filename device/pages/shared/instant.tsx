import { clockText, dateTimeText, utcText } from './time-text.ts';

/** An instant in the reader's time zone; its title has it in UTC. Nothing where there is none. */
export function Instant({ atMs, short = false }: { atMs: number | undefined; short?: boolean }) {
  if (atMs === undefined) return null;
  return (
    <time dateTime={utcText(atMs)} title={utcText(atMs)}>
      {short ? clockText(atMs) : dateTimeText(atMs)}
    </time>
  );
}
