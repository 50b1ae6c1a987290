import type { HandlerStatusMessage } from '../anomaly/anomaly.ts';

/**
 * One handler serves an instance: a second one is told by the first one's status and stays passive.
 *
 * | state    | hears an older handler of the instance | `claimMs` over | older one unheard for three status intervals |
 * |----------|----------------------------------------|----------------|----------------------------------------------|
 * | claiming | passive                                | active         | –                                            |
 * | active   | passive                                | –              | –                                            |
 * | passive  | passive                                | –              | active                                       |
 *
 * Older is who started earlier; of two that started in the same instant the one with the smaller id.
 */
export type Claim =
  | { state: 'claiming'; untilMs: number }
  | { state: 'active' }
  | { state: 'passive'; other: string; heardMs: number };

export interface Self {
  handlerId: string;
  startedAt: string;
  instance: string;
}

/** Status intervals without a word after which a passive handler takes over. */
const missedIntervals = 3;

export function heard(claim: Claim, self: Self, status: HandlerStatusMessage, nowMs: number): Claim {
  if (status.handlerId === self.handlerId || status.instance !== self.instance) return claim;
  if (status.state === 'passive') return claim;
  if (!isOlder(status, self)) return claim;
  return { state: 'passive', other: status.handlerId, heardMs: nowMs };
}

export function tick(claim: Claim, nowMs: number, statusMs: number): Claim {
  switch (claim.state) {
    case 'claiming':
      return nowMs >= claim.untilMs ? { state: 'active' } : claim;
    case 'passive':
      return nowMs - claim.heardMs > missedIntervals * statusMs ? { state: 'active' } : claim;
    case 'active':
      return claim;
  }
}

function isOlder(a: { startedAt: string; handlerId: string }, b: Self): boolean {
  const byTime = Date.parse(a.startedAt) - Date.parse(b.startedAt);
  return byTime < 0 || (byTime === 0 && a.handlerId < b.handlerId);
}
