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

/** `handlerId` belongs to a data directory, which may have been copied; `startId` is random for each start. */
export interface Self {
  handlerId: string;
  startId: string;
  startedAt: string;
  instance: string;
}

/** Status intervals without a word after which a passive handler takes over. */
const missedIntervals = 3;

export function heard(claim: Claim, self: Self, status: HandlerStatusMessage, nowMs: number): Claim {
  if (status.startId === self.startId || status.instance !== self.instance) return claim;
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

function isOlder(a: Pick<Self, 'startedAt' | 'handlerId' | 'startId'>, b: Self): boolean {
  const byTime = Date.parse(a.startedAt) - Date.parse(b.startedAt);
  if (byTime !== 0) return byTime < 0;
  return a.handlerId === b.handlerId ? a.startId < b.startId : a.handlerId < b.handlerId;
}
