import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleApi } from './console-api.ts';
import { type Curves, curvesOf, extended } from './curve.ts';
import type { LiveFeed } from './live.ts';
import { stretchOf, type TimeWindow } from './time-window.ts';

export interface CurveQuery {
  api: ConsoleApi;
  site: string;
  deviceId: string;
  window: TimeWindow;
  nowMs: number;
  feed: LiveFeed;
  /** Counts up when events may have been missed. */
  openings: number;
}

const wantedPoints = 720;
/** A live window is read anew now and then, so that long ones stay as coarse as they should be. */
const readAnewMs = 60_000;

/** Curves of a device: read for the window, then extended by what comes in while it is live. */
export function useCurves({ api, site, deviceId, window, nowMs, feed, openings }: CurveQuery) {
  const [curves, setCurves] = useState<Curves>(new Map());
  const [gapMs, setGapMs] = useState(60_000);
  const [problem, setProblem] = useState<string>();
  const now = useRef(nowMs);
  now.current = nowMs;
  const asked = window.kind === 'live' ? `live ${window.spanMs}` : `${window.fromMs} ${window.toMs}`;

  useEffect(() => {
    let isOver = false;
    const read = async () => {
      const { fromMs, toMs } = stretchOf(window, now.current);
      const answer = await api.series({ site, deviceId, fromMs, toMs, points: wantedPoints });
      if (isOver) return;
      // A device that has not been measured yet is no problem.
      setProblem(answer.ok || answer.status === 404 ? undefined : answer.error);
      if (!answer.ok) return;
      setCurves(curvesOf(answer.value));
      setGapMs(answer.value.gapMs);
    };
    void read();
    const timer = window.kind === 'live' ? setInterval(() => void read(), readAnewMs) : undefined;
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [asked, site, deviceId, openings]);

  useEffect(() => {
    if (window.kind !== 'live') return;
    return feed.subscribe((live) => {
      const values = live.devices.find((one) => one.site === site && one.deviceId === deviceId);
      if (values !== undefined) setCurves((before) => extended(before, values, live.nowMs - window.spanMs));
    });
  }, [feed, asked, site, deviceId]);

  return { curves, gapMs, problem };
}
