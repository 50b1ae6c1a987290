import type { AnomalyMessage } from '../anomaly/anomaly.ts';

/**
 * Where a breach stands on its way into an incident.
 *
 * | place    | meaning                                                                          |
 * |----------|----------------------------------------------------------------------------------|
 * | wanted   | accepted, in no incident yet                                                     |
 * | attached | told by an incident (created for it, joined or reopened)                         |
 * | released | people ended its incident while it lasted: nothing new until the next firing     |
 * | held     | listed in the storm incident of its site                                         |
 * | recorded | kept for the record only: the cloud side opens incidents for this device, or it  |
 * |          | ended under a silence before anything was told of it                             |
 */
export type Place = 'wanted' | 'attached' | 'released' | 'held' | 'recorded';

/** One breach as the handler knows it. */
export interface Occurrence {
  /** 32 hex digits. */
  id: string;
  correlationId: string;
  phase: 'firing' | 'ended';
  place: Place;
  incident: { sysId: string; number: string } | null;
  /** Latest accepted message. */
  message: AnomalyMessage;
  /** Severity that its incident, or the one of the storm that lists it, was last told; null before. */
  toldSeverity: AnomalyMessage['severity'] | null;
  /** Event time of the last note about it, epoch ms. */
  notedAtMs: number;
  /** Updates accepted since that note. */
  updatesSinceNote: number;
  /** Storm occurrence that holds it. */
  heldBy: string | null;
  /**
   * `holds`: a silence covers it, or did when it ended, so what it tells while it fires waits. `lifted`: one did, for a
   * while.
   */
  silence: 'none' | 'holds' | 'lifted';
}
