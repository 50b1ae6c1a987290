/** A refresh of a data set that was asked for. */
export interface Start {
  jobRunId: string;
  /** Epoch ms. */
  atMs: number;
}

export interface RefreshLimits {
  /** Refreshes that QuickSight takes of a data set in 24 hours: 32 (Enterprise), 8 (Standard). */
  perDay: number;
  /** With fewer than so many left, they are spread: one every 24 h / perDay, which the quota bears for ever. */
  reserve: number;
}

export type RefreshDecision =
  /** Ask QuickSight. */
  | { kind: 'start' }
  /** A refresh that began after the run had ended has its data. */
  | { kind: 'covered' }
  /** Not before `atMs`. */
  | { kind: 'wait'; atMs: number };

export const windowMs = 24 * 3_600_000;

/**
 * Whether a data set is refreshed now for a run that ended at `endedMs`.
 *
 * | the data set | decision |
 * |---|---|
 * | was refreshed for this very run | start: under the same id, so QuickSight knows it and nothing happens |
 * | was refreshed after the run had ended | covered |
 * | was refreshed less than its interval ago, or its quota is (almost) used up | wait |
 * | else | start |
 */
export function decideRefresh(
  starts: readonly Start[],
  request: { jobRunId: string; endedMs: number; minIntervalMs: number },
  nowMs: number,
  { perDay, reserve }: RefreshLimits,
): RefreshDecision {
  if (starts.some(({ jobRunId }) => jobRunId === request.jobRunId)) return { kind: 'start' };
  if (starts.some(({ atMs }) => atMs > request.endedMs)) return { kind: 'covered' };
  const recent = startsInWindow(starts, nowMs).map(({ atMs }) => atMs);
  const left = perDay - recent.length;
  const intervalMs = left < reserve ? Math.max(request.minIntervalMs, windowMs / perDay) : request.minIntervalMs;
  const afterLast = recent.length === 0 ? nowMs : Math.max(...recent) + intervalMs;
  const afterQuota = left > 0 ? nowMs : Math.min(...recent) + windowMs;
  const atMs = Math.max(afterLast, afterQuota);
  return atMs > nowMs ? { kind: 'wait', atMs } : { kind: 'start' };
}

/** Those that still count against the quota. */
export function startsInWindow(starts: readonly Start[], nowMs: number): Start[] {
  return starts.filter(({ atMs }) => atMs > nowMs - windowMs);
}
