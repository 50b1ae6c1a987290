/** What a run allows. */
export interface AuditPolicy {
  /** How far a told time may be from the truth, ms. */
  toleranceMs: number;
  /** Rules that the truth covers; incidents of the others are judged by their own words alone. */
  judgedRules: readonly string[];
  /** The handler's own rules (device-silent, broker-silent, storm) that may have incidents. */
  handlerRules: readonly string[];
  /** Event time from which on the readings are known, epoch ms: what began before may be told, but need not be found in them. */
  sinceMs: number;
  /** Event time up to which everything must have been delivered, epoch ms; later things may be under way. */
  settledUntilMs: number;
  /** From the end of a breach to resolving its incident, event time. */
  quietMs: number;
  onRecovery: 'resolve' | 'note';
  /** Whether people may have worked on the incidents: resolved, closed or canceled some. */
  people: boolean;
  /** When a monitor lost its data directory: a breach that lasted may be told by a second occurrence in its incident. */
  monitorLossesMs: readonly number[];
  /** When a handler lost its data directory: the end of a breach that it alone knew of may be told as not known. */
  handlerLossesMs: readonly number[];
}

export const strictPolicy: AuditPolicy = {
  toleranceMs: 0,
  judgedRules: ['upper', 'lower', 'no-data'],
  handlerRules: [],
  sinceMs: Number.NEGATIVE_INFINITY,
  settledUntilMs: Number.POSITIVE_INFINITY,
  quietMs: 0,
  onRecovery: 'resolve',
  people: false,
  monitorLossesMs: [],
  handlerLossesMs: [],
};
