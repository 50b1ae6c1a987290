/**
 * What the curves show.
 *
 * | window | shows                      | until                                      |
 * |--------|----------------------------|--------------------------------------------|
 * | live   | the last `spanMs`          | a stretch is chosen or the window is moved |
 * | fixed  | from `fromMs` to `toMs`    | live is chosen                             |
 */
export type TimeWindow = { kind: 'live'; spanMs: number } | { kind: 'fixed'; fromMs: number; toMs: number };

export interface Stretch {
  fromMs: number;
  toMs: number;
}

const minuteMs = 60_000;
export const spans = [
  { label: '5 min', spanMs: 5 * minuteMs },
  { label: '15 min', spanMs: 15 * minuteMs },
  { label: '1 h', spanMs: 60 * minuteMs },
  { label: '6 h', spanMs: 360 * minuteMs },
  { label: '24 h', spanMs: 1_440 * minuteMs },
] as const;

/** Narrowest stretch that can be looked at. */
const leastMs = 10_000;

export function stretchOf(window: TimeWindow, nowMs: number): Stretch {
  return window.kind === 'live'
    ? { fromMs: nowMs - window.spanMs, toMs: nowMs }
    : { fromMs: window.fromMs, toMs: window.toMs };
}

/** Chosen by hand; kept within what there is. */
export function fixed({ fromMs, toMs }: Stretch, nowMs: number, historyMs: number): TimeWindow {
  const spanMs = Math.min(Math.max(toMs - fromMs, leastMs), historyMs);
  const middle = (fromMs + toMs) / 2;
  const end = Math.min(middle + spanMs / 2, nowMs);
  const begin = Math.max(end - spanMs, nowMs - historyMs);
  return { kind: 'fixed', fromMs: Math.round(begin), toMs: Math.round(begin + spanMs) };
}

/** Moves by a part of the window: −0.5 is half of it earlier. A window that reaches the present is live. */
export function moved(window: TimeWindow, by: number, nowMs: number, historyMs: number): TimeWindow {
  const { fromMs, toMs } = stretchOf(window, nowMs);
  const spanMs = toMs - fromMs;
  const shiftMs = spanMs * by;
  if (toMs + shiftMs >= nowMs) return { kind: 'live', spanMs };
  return fixed({ fromMs: fromMs + shiftMs, toMs: toMs + shiftMs }, nowMs, historyMs);
}

/** `factor` below 1 looks closer. A live window stays so. */
export function zoomed(window: TimeWindow, factor: number, nowMs: number, historyMs: number): TimeWindow {
  const { fromMs, toMs } = stretchOf(window, nowMs);
  const spanMs = Math.min(Math.max((toMs - fromMs) * factor, leastMs), historyMs);
  if (window.kind === 'live') return { kind: 'live', spanMs };
  const middle = (fromMs + toMs) / 2;
  return fixed({ fromMs: middle - spanMs / 2, toMs: middle + spanMs / 2 }, nowMs, historyMs);
}

/** A breach with some of what was before and after it. */
export function around(startMs: number, endMs: number | null, nowMs: number, historyMs: number): TimeWindow {
  const lastMs = Math.max((endMs ?? nowMs) - startMs, minuteMs);
  return fixed({ fromMs: startMs - lastMs / 2, toMs: (endMs ?? nowMs) + lastMs / 2 }, nowMs, historyMs);
}
