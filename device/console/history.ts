import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Metrics } from '../reading/reading.ts';
import { type Bucket, bucketOf, downsample, mergeInto } from './bucket.ts';
import { type MinuteStore, openMinuteStore, type SeriesName } from './minute-store.ts';
import { createRawRing, type RawRing } from './raw-ring.ts';

/** A reading as the console keeps it. */
export interface Measured {
  site: string;
  deviceId: string;
  atMs: number;
  metrics: Metrics;
}

export interface DeviceHistory {
  site: string;
  deviceId: string;
  lastAtMs: number;
  /** Latest value and its instant by metric. */
  metrics: { metric: string; atMs: number; value: number }[];
}

export interface SeriesQuery extends SeriesName {
  fromMs: number;
  toMs: number;
  /** About how many are wanted; there are at most one more. */
  points: number;
}

/**
 * The last day of readings, by device and metric.
 *
 * | kept         | where                          | for                        | bounded by               |
 * |--------------|--------------------------------|----------------------------|--------------------------|
 * | readings     | memory                         | 15 min                     | 1,024 a metric           |
 * | minutes      | memory until written, the file | `historyMs`                | one a metric and minute  |
 * | latest value | memory, the file               | while the device is kept   | metrics                  |
 * | devices      |                                | `historyMs` after the last | `maxDevices`, 16 metrics |
 *
 * Where there is room for no more devices, a newcomer takes the place of the one that was unheard for longest, if that was
 * longer than an hour; else it is counted and not kept, so that more devices than places do not drive each other out.
 */
export interface History {
  /** Whether the reading was kept. */
  add(reading: Measured): 'kept' | 'out-of-range' | 'no-room';
  devices(): DeviceHistory[];
  series(query: SeriesQuery): { points: Bucket[]; resolutionMs: number };
  /** Readings that were not kept since the start. */
  refused(): { outOfRange: number; noRoom: number };
  start(): void;
  /** Writes what is not written yet. */
  stop(): void;
}

export interface HistoryOptions {
  path: string;
  historyMs: number;
  maxDevices: number;
  /** Event time, of which readings speak. */
  time: Time;
  /** Real time: how often is written. */
  deliveryTime: Time;
  logger: Logger;
}

interface Series {
  raw: RawRing;
  /** By minute since the epoch; not written yet. */
  minutes: Map<number, Bucket>;
  lastAtMs: number;
  lastValue: number;
}

interface Device {
  site: string;
  deviceId: string;
  lastAtMs: number;
  series: Map<string, Series>;
}

const minuteMs = 60_000;
const rawKeepMs = 15 * minuteMs;
const rawPoints = 1_024;
const mostMetrics = 16;
/** Seldom, for a page of the file is written as a whole: seven megabytes a day for a sensor with three metrics. */
const writeEveryMs = 5 * minuteMs;
const pruneEveryWrites = 12;
/** A device whose clock is ahead by more is not believed. */
const aheadMs = 10 * minuteMs;
const vanishedMs = 60 * minuteMs;

export function createHistory(options: HistoryOptions): History {
  const { historyMs, maxDevices, time, deliveryTime, logger } = options;
  const store: MinuteStore = openMinuteStore(options.path, logger);
  /** In the order in which they were last heard. */
  const devices = new Map<string, Device>();
  const counts = { outOfRange: 0, noRoom: 0 };
  let forgotten: SeriesName[] = [];
  let timer: Timer | undefined;
  let writes = 0;
  let life: 'new' | 'running' | 'stopped' = 'new';
  let isWriteFailing = false;
  load();

  function load(): void {
    const oldestMs = time.wallMs() - historyMs;
    for (const { site, deviceId, metric, lastAtMs, lastValue } of store.list().reverse()) {
      const key = keyOf(site, deviceId);
      const known = devices.get(key);
      const isKept = lastAtMs >= oldestMs && lastAtMs <= time.wallMs() + aheadMs;
      if (!isKept || (known?.series.size ?? 0) >= mostMetrics) {
        forgotten.push({ site, deviceId, metric });
        continue;
      }
      const device = known ?? { site, deviceId, lastAtMs, series: new Map() };
      device.series.set(metric, { ...emptySeries(), lastAtMs, lastValue });
      device.lastAtMs = Math.max(device.lastAtMs, lastAtMs);
      devices.delete(key);
      devices.set(key, device);
      while (devices.size > maxDevices) forgetOldest();
    }
  }

  function forgetOldest(): void {
    for (const [key, device] of devices) {
      forget(key, device);
      return;
    }
  }

  function forget(key: string, { site, deviceId, series }: Device): void {
    devices.delete(key);
    for (const metric of series.keys()) forgotten.push({ site, deviceId, metric });
  }

  function deviceFor({ site, deviceId, atMs }: Measured): Device | undefined {
    const key = keyOf(site, deviceId);
    const known = devices.get(key);
    if (known === undefined && devices.size >= maxDevices) {
      const [oldest] = devices.values();
      if (oldest !== undefined && time.wallMs() - oldest.lastAtMs <= vanishedMs) return undefined;
      forgetOldest();
    }
    // What is forgotten has to leave the file before one of the same name comes back.
    if (known === undefined && forgotten.length > 0) write();
    const device = known ?? { site, deviceId, lastAtMs: atMs, series: new Map() };
    devices.delete(key);
    devices.set(key, device);
    return device;
  }

  function write(): void {
    const updates = [...devices.values()].flatMap(({ site, deviceId, series }) =>
      [...series].flatMap(([metric, { minutes, lastAtMs, lastValue }]) =>
        minutes.size === 0 ? [] : [{ site, deviceId, metric, lastAtMs, lastValue, minutes: [...minutes.values()] }],
      ),
    );
    const oldestMs = time.wallMs() - historyMs;
    try {
      if (forgotten.length > 0) store.forget(forgotten);
      forgotten = [];
      store.write(updates);
      for (const { series } of devices.values()) for (const { minutes } of series.values()) minutes.clear();
      if (writes++ % pruneEveryWrites === 0) prune(oldestMs);
      isWriteFailing = false;
    } catch (error) {
      if (!isWriteFailing) logger.warn({ err: error }, 'readings of the console are not written, trying again');
      isWriteFailing = true;
      dropUnwritten(oldestMs);
    }
  }

  function prune(oldestMs: number): void {
    for (const [key, device] of devices) if (device.lastAtMs < oldestMs) forget(key, device);
    store.prune(oldestMs);
  }

  function dropUnwritten(oldestMs: number): void {
    for (const { series } of devices.values()) {
      for (const { minutes } of series.values()) {
        for (const [minute, { atMs }] of minutes) if (atMs < oldestMs) minutes.delete(minute);
      }
    }
  }

  function keepWriting(): void {
    timer = deliveryTime.after(writeEveryMs, () => {
      write();
      keepWriting();
    });
  }

  return {
    add(reading) {
      const nowMs = time.wallMs();
      const { atMs, metrics } = reading;
      if (atMs > nowMs + aheadMs || atMs < nowMs - historyMs) {
        counts.outOfRange += 1;
        return 'out-of-range';
      }
      const device = deviceFor(reading);
      if (device === undefined) {
        counts.noRoom += 1;
        return 'no-room';
      }
      device.lastAtMs = atMs;
      for (const metric in metrics) {
        const value = metrics[metric];
        if (value !== undefined) addValue(device, metric, atMs, value);
      }
      return 'kept';
    },
    devices: () =>
      [...devices.values()].map(({ site, deviceId, lastAtMs, series }) => ({
        ...{ site, deviceId, lastAtMs },
        metrics: [...series].map(([metric, one]) => ({ metric, atMs: one.lastAtMs, value: one.lastValue })),
      })),
    series({ fromMs, toMs, points, ...name }) {
      const series = devices.get(keyOf(name.site, name.deviceId))?.series.get(name.metric);
      const spanMs = Math.max(1, toMs - fromMs);
      if (series === undefined) return { points: [], resolutionMs: minuteMs };
      const rawSinceMs = series.raw.oldestMs();
      if (rawSinceMs !== undefined && rawSinceMs <= fromMs) {
        return answer(series.raw.between(fromMs, toMs), spanMs, points, 0);
      }
      const byMinute = new Map(store.between(name, fromMs, toMs).map((bucket) => [bucket.atMs, bucket]));
      for (const bucket of series.minutes.values()) {
        if (bucket.atMs + minuteMs <= fromMs || bucket.atMs > toMs) continue;
        const stored = byMinute.get(bucket.atMs);
        if (stored === undefined) byMinute.set(bucket.atMs, { ...bucket });
        else mergeInto(stored, bucket);
      }
      const isShort = spanMs <= 4 * rawKeepMs;
      // Whether a minute is still there as it came is judged by all of it, also by what came after the window's end.
      const raw = isShort ? series.raw.between(fromMs, Number.POSITIVE_INFINITY) : [];
      // What is still there as it came is shown so; before it, minutes are all there is.
      const rawFromMs = wholeFromMs(raw, byMinute);
      const minutes = [...byMinute.values()].filter(({ atMs }) => atMs < rawFromMs);
      const finer = raw.filter(({ atMs }) => atMs >= rawFromMs && atMs <= toMs);
      minutes.sort((a, b) => a.atMs - b.atMs);
      return answer([...minutes, ...finer], spanMs, points, minuteMs);
    },
    refused: () => ({ ...counts }),
    start() {
      if (life !== 'new') return;
      life = 'running';
      keepWriting();
    },
    stop() {
      if (life === 'stopped') return;
      life = 'stopped';
      timer?.cancel();
      write();
      store.close();
    },
  };
}

function answer(buckets: Bucket[], spanMs: number, points: number, leastMs: number) {
  const widthMs = buckets.length <= points ? 0 : Math.ceil(spanMs / points);
  return { points: downsample(buckets, spanMs, points), resolutionMs: Math.max(leastMs, widthMs) };
}

/** From when on readings hold all that the minutes hold: the first minute may be there in part only. */
function wholeFromMs(raw: readonly Bucket[], byMinute: ReadonlyMap<number, Bucket>): number {
  const [first] = raw;
  if (first === undefined) return Infinity;
  const minute = Math.floor(first.atMs / minuteMs) * minuteMs;
  const inIt = raw.filter(({ atMs }) => atMs < minute + minuteMs).length;
  return inIt >= (byMinute.get(minute)?.count ?? 0) ? minute : minute + minuteMs;
}

function emptySeries(): Series {
  return { raw: createRawRing(rawPoints, rawKeepMs), minutes: new Map(), lastAtMs: 0, lastValue: 0 };
}

function addValue(device: Device, metric: string, atMs: number, value: number): void {
  let series = device.series.get(metric);
  if (series === undefined) {
    if (device.series.size >= mostMetrics) return;
    series = emptySeries();
    device.series.set(metric, series);
  }
  if (!series.raw.add(atMs, value)) return;
  series.lastAtMs = atMs;
  series.lastValue = value;
  const minute = Math.floor(atMs / minuteMs);
  const known = series.minutes.get(minute);
  if (known === undefined) series.minutes.set(minute, bucketOf(minute * minuteMs, value));
  else mergeInto(known, bucketOf(atMs, value));
}

const keyOf = (site: string, deviceId: string) => `${site}\n${deviceId}`;
