import type { Relay } from '../outbox/relay.ts';
import type { Clock, Time } from '../platform/time.ts';
import { handlerDevice } from '../transport/topics.ts';
import type { Work } from './inbox.ts';
import type { Intake, OwnIdentity } from './intake.ts';
import { devicePrefix, reconcileRows } from './reconcile.ts';
import type { RollCall } from './roll-call.ts';
import type { HandlerStore } from './store.ts';

/**
 * Walks the instance's open incidents of each device that calls the roll: once for each start of the handler and each
 * installation of the device. What the instance cannot be asked now is asked at the next `goOn`; a walk that finds
 * nothing while no incident is known says little, for this user may not be able to read, and one may find a key that has
 * messages waiting, or several incidents of which one goes on: it is walked again at the next call.
 */
export interface Walks {
  called(call: RollCall): void;
  goOn(): void;
  /** Everything is to be walked anew: another handler served the instance meanwhile. */
  forget(): void;
  isIdle(): boolean;
  /** Devices that still are to be walked. */
  waiting(): number;
}

export interface WalksOptions {
  relay: Pick<Relay, 'findOpen'>;
  add: (work: Work) => void;
  store: HandlerStore;
  intake: Intake;
  policy: { orphan: 'resolve' | 'note'; storm: { windowMs: number } };
  own: OwnIdentity;
  /** By it the handler tells when what it raised itself ended. */
  time: Pick<Clock, 'wallMs'>;
  deliveryTime: Time;
  onIdle: () => void;
}

/** Devices that may wait for their walk; the others are walked after a later call. */
const mostWaiting = 10_000;

export function createWalks(options: WalksOptions): Walks {
  const { relay, store, intake, deliveryTime } = options;
  interface Walk {
    call: RollCall;
    notBeforeMs: number;
  }
  const waiting = new Map<string, Walk>();
  const walked = new Set<string>();
  let isWalking = false;

  function want(call: RollCall, notBeforeMs: number): void {
    const name = `${devicePrefix(call)} ${call.installationId}`;
    if (walked.has(name)) return;
    if (waiting.has(name) || waiting.size < mostWaiting) {
      waiting.set(name, { call, notBeforeMs: waiting.get(name)?.notBeforeMs ?? notBeforeMs });
    }
  }

  function ownStamps(): RollCall['stamps'] {
    const monotonicMs = Math.max(0, deliveryTime.monotonicMs());
    return { bootId: options.own.bootId, monotonicMs, clockSynchronised: true, clockSource: 'handler' };
  }

  /** The next walk that is due. */
  function next(): [string, Walk] | undefined {
    const nowMs = deliveryTime.monotonicMs();
    for (const [name, walk] of waiting) if (walk.notBeforeMs <= nowMs) return [name, walk];
    return undefined;
  }

  async function walkAll(): Promise<void> {
    if (isWalking) return;
    isWalking = true;
    for (let due = next(); due !== undefined; due = next()) {
      const [name, { call }] = due;
      const found = await relay.findOpen(devicePrefix(call)).catch(() => undefined);
      const walk = waiting.get(name);
      waiting.delete(name);
      if (found === undefined) {
        // After a pause an empty answer is not believed, so next time another device is asked for.
        if (walk !== undefined) waiting.set(name, walk);
        break;
      }
      options.add(() => {
        const outcome = reconcileRows(found.rows, call, store, intake, options.policy);
        return () => {
          // Of a longer list the rest is walked after the next call: these rows are ended by then.
          if (found.complete && outcome === 'done') walked.add(name);
        };
      });
    }
    isWalking = false;
    options.onIdle();
  }

  return {
    called(call) {
      const nowMs = deliveryTime.monotonicMs();
      want(call, nowMs);
      // What only handlers raise (storm, broker-silent) belongs to no device: it is ours to end. Not before the other
      // devices of the site have called as well, for a storm may go on.
      for (const deviceId of ['*', handlerDevice]) {
        const { installationId, createdAt } = options.own;
        const said = { deviceId, keys: [], installationId, installationCreatedAt: createdAt };
        const nobody = { ...call, ...said, atMs: options.time.wallMs(), stamps: ownStamps() };
        want(nobody, nowMs + options.policy.storm.windowMs);
      }
      void walkAll();
    },
    goOn: () => void walkAll(),
    forget() {
      walked.clear();
      waiting.clear();
    },
    isIdle: () => !isWalking,
    waiting: () => waiting.size,
  };
}
