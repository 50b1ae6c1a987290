/** Moments at which a component can be made to kill itself, named as in the faults of the run. */
export const crashPoints = [
  'before write',
  'after write',
  'before sync',
  'after sync',
  'before publish',
  'after publish',
  'before acknowledge',
  'after acknowledge',
  'before HTTP answer',
  'after HTTP answer',
] as const;
export type CrashPoint = (typeof crashPoints)[number];
/** Those of the broker, which only hands over what the components publish and acknowledge. */
export const brokerCrashPoints = [
  'before publish',
  'after publish',
  'before acknowledge',
  'after acknowledge',
] as const satisfies readonly CrashPoint[];
export type BrokerCrashPoint = (typeof brokerCrashPoints)[number];

/**
 * What the world around a component is like, as it is told to the code that is loaded before the component's own. The
 * component knows nothing of it.
 */
export interface Orders {
  /** How far the wall clock is ahead of the truth, ms. */
  wallOffsetMs: number;
  /** What systemd-timesyncd says. */
  clockSynchronised: boolean;
  /** Whether names of hosts are found. */
  resolvesNames: boolean;
  /** What the disk says to a write, where no real one can be filled or mounted read-only. */
  disk: 'well' | 'full' | 'read-only';
  /**
   * SIGKILL at the n-th passage. With `tornIn` it is a power loss: the store as it was at its last sync, and its log after
   * each commit since, are left in that folder first.
   */
  crash?: { at: CrashPoint; nth: number; tornIn?: string };
}

export const allWell: Orders = { wallOffsetMs: 0, clockSynchronised: true, resolvesNames: true, disk: 'well' };

/** Environment variable with the orders, as JSON, that hold from the start on. */
export const ordersVariable = 'CHAOS_ORDERS';
/** Environment variable with a `Pace`, as JSON; without it time is what it is. */
export const paceVariable = 'CHAOS_PACE';

/** Time that runs `factor` times as fast from an instant on. The same for all processes that get the same one. */
export interface Pace {
  factor: number;
  /** The instant, by the wall clock and by `process.hrtime`, ms. */
  wallMs: number;
  hrtimeMs: number;
}

export function pacedWallMs({ factor, wallMs }: Pace, realMs: number): number {
  return wallMs + (realMs - wallMs) * factor;
}
