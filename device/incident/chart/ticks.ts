/** A linear map of values to pixels. Halves keep the difference of two huge values finite. */
export interface Scale {
  from: number;
  to: number;
  at(value: number): number;
}

export function linearScale(from: number, to: number, pixelFrom: number, pixelTo: number): Scale {
  const half = to / 2 - from / 2;
  return { from, to, at: (value) => pixelFrom + ((value / 2 - from / 2) / half) * (pixelTo - pixelFrom) };
}

/** Range of an axis that shows all `values` with room around them, also where they are all the same or there are none. */
export function valueRange(values: readonly number[]): [from: number, to: number] {
  const [low, high] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const room = high > low ? (high / 2 - low / 2) * 0.2 : Math.max(1, Math.abs(high) * 0.05);
  return [Math.max(low - room, -Number.MAX_VALUE), Math.min(high + room, Number.MAX_VALUE)];
}

/** At most about `count` round values inside the range: multiples of 1, 2 or 5 times a power of ten. */
export function valueTicks(from: number, to: number, count: number): number[] {
  const least = to / count - from / count;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((one) => one * power >= least) ?? 10;
  const step = factor * power;
  return multiples(from, to, step, count);
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const timeSteps = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minuteMs),
  ...[1, 2, 3, 6, 12].map((hours) => hours * hourMs),
  ...[1, 2, 7, 14, 30, 90, 365].map((days) => days * dayMs),
];

export interface TimeTick {
  atMs: number;
  /** `10:11:50`, `10:11`; the day where a day begins. */
  label: string;
}

/** At most about `count` round instants inside the range, labelled in UTC. */
export function timeTicks(fromMs: number, toMs: number, count: number): TimeTick[] {
  const least = (toMs - fromMs) / count;
  const step = timeSteps.find((one) => one >= least) ?? Math.ceil(least / (365 * dayMs)) * 365 * dayMs;
  return multiples(fromMs, toMs, step, count).map((atMs) => {
    const iso = new Date(atMs).toISOString();
    const day = iso.slice(0, iso.indexOf('T'));
    const time = iso.slice(iso.indexOf('T') + 1);
    if (atMs % dayMs === 0) return { atMs, label: day };
    return { atMs, label: step < minuteMs ? time.slice(0, 8) : time.slice(0, 5) };
  });
}

/** Bounded, because adding a step to a huge value may not change it. */
function multiples(from: number, to: number, step: number, count: number): number[] {
  const first = Math.ceil(from / step);
  return Array.from({ length: count + 2 }, (_, index) => (first + index) * step).filter(
    (value, index, all) => value >= from && value <= to && value !== all[index - 1],
  );
}
