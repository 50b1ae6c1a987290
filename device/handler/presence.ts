import type { HandlerStatusMessage } from '../anomaly/anomaly.ts';
import type { Logger } from '../platform/logger.ts';
import { isoUtc, type Time } from '../platform/time.ts';
import { type Claim, heard, type Self, tick } from './claim.ts';

/** Tells of this handler on its status topic, hears of others, and decides who serves the instance (see `claim.ts`). */
export interface Presence {
  /** Begins to claim the instance. */
  begin(): void;
  hear(status: HandlerStatusMessage): void;
  /** To be called when the claim may be over, and at each status interval. */
  advance(): void;
  tell(): void;
  claim(): Claim;
}

export interface PresenceOptions {
  /** Identity of the data directory. */
  handlerId: string;
  instance: string;
  /** Read whenever it is needed. */
  policy: { readonly claimMs: number; readonly statusMs: number };
  newId: () => string;
  deliveryTime: Time;
  send: (status: HandlerStatusMessage) => void;
  /** This handler serves from now on; `after` says what it was before. */
  onActive: (after: 'claiming' | 'passive') => void;
  onPassive: () => void;
  logger: Logger;
}

export function createPresence(options: PresenceOptions): Presence {
  const { deliveryTime, instance, logger } = options;
  const startedAt = isoUtc(deliveryTime.wallMs());
  let self: Self = { handlerId: options.handlerId, startId: options.newId(), startedAt, instance };
  let claim: Claim = { state: 'claiming', untilMs: 0 };

  function tell(): void {
    const at = isoUtc(deliveryTime.wallMs());
    options.send({ version: 1, kind: 'handler', ...self, state: claim.state, at });
  }

  return {
    begin() {
      claim = { state: 'claiming', untilMs: deliveryTime.monotonicMs() + options.policy.claimMs };
      tell();
    },
    hear(status) {
      const before = claim.state;
      const after = heard(claim, self, status, deliveryTime.monotonicMs());
      claim = after;
      if (after.state === 'passive' && before !== 'passive') {
        logger.warn({ other: after.other, instance }, 'another handler serves this instance, staying passive');
        options.onPassive();
      }
      // A second handler learns of the first one by its answer.
      if (after.state === 'active' && status.state === 'claiming' && status.startId !== self.startId) tell();
    },
    advance() {
      const before = claim.state;
      claim = tick(claim, deliveryTime.monotonicMs(), options.policy.statusMs);
      if (claim.state !== 'active' || before === 'active') return;
      if (before === 'passive') {
        logger.info('the other handler is silent, serving the instance');
        // Monitors send what is unanswered, and call the roll, for one that has started.
        self = { ...self, startId: options.newId() };
        tell();
      }
      options.onActive(before);
    },
    tell,
    claim: () => claim,
  };
}
