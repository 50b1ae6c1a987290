import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Topics } from '../transport/topics.ts';
import type { Transport } from '../transport/transport.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Journal, SavedMessage } from './journal.ts';

export interface CloudDeliveryDeps {
  journal: Journal;
  guard: DiskGuard;
  /** AWS IoT Core, beside the local subscribers. */
  cloud: Pick<Transport, 'publish' | 'state'>;
  topics: Topics;
  /** Real time. */
  time: Time;
  random: () => number;
  logger: Logger;
  backoff: BackoffPolicy;
  /** Messages that are kept; beyond them the oldest are lost. */
  mostWaiting: number;
}

export interface CloudCounts {
  /** Not taken yet. */
  waiting: number;
  /** Taken: with the nucleus, which spools it, or acknowledged by AWS IoT Core. */
  delivered: number;
  /** Lost: the oldest of too many, and what is too large. */
  lost: number;
  /** Why the latest attempt failed; undefined once one has not. */
  refusal: string | undefined;
}

/**
 * Tells AWS IoT Core of anomalies, apart from the handler: in the order in which they were made, one at a time, each until
 * it is taken. What is taken is deleted without a sync, so that after a power loss it may come there twice: receivers tell
 * by installation, key and sequence.
 *
 * | phase   | what is there                          | left by                                          |
 * |---------|----------------------------------------|--------------------------------------------------|
 * | idle    | nothing that could be sent             | `wake` → sending                                 |
 * | sending | the first message is under way         | taken → sending or idle; failed → paused         |
 * | paused  | a timer, which grows with the failures | timer, `resume` → sending                        |
 * | stopped | nothing                                | never                                            |
 */
export interface CloudDelivery {
  /** A message was put into the journal. */
  wake(): void;
  /** The connection is back: no pause of the last one holds. */
  resume(): void;
  /** The message that was sent and not answered: it is not to be changed any more. */
  underWay(): number | undefined;
  counts(): CloudCounts;
  stop(): void;
}

type Phase = { name: 'idle' | 'stopped' } | { name: 'sending'; id: number } | { name: 'paused'; timer: Timer };

export function createCloudDelivery(deps: CloudDeliveryDeps): CloudDelivery {
  const { journal, guard, cloud, topics, time, logger, backoff } = deps;
  let phase: Phase = { name: 'idle' };
  let failures = 0;
  let delivered = 0;
  let lost = 0;
  let refusal: string | undefined;
  let toldReason: string | undefined;

  function next(): void {
    phase = { name: 'idle' };
    const head = cloud.state().state === 'connected' ? journal.cloudHead() : undefined;
    if (head === undefined) return;
    phase = { name: 'sending', id: head.id };
    journal.afterSync(() => publish(head));
  }

  function publish(head: SavedMessage): void {
    void cloud.publish(topics.anomaly(head.deviceId), head.body).then((result) => {
      if (phase.name !== 'sending') return;
      if (result.ok) taken(head.id);
      else if (result.reason === 'too-large') given(head.id, result.message);
      else failed(result.reason, result.message);
    });
  }

  function taken(id: number): void {
    failures = 0;
    refusal = undefined;
    toldReason = undefined;
    if (remove(id)) delivered += 1;
  }

  function given(id: number, message: string): void {
    logger.error({ detail: message }, 'an anomaly is too large for AWS IoT Core, given up there');
    if (remove(id)) lost += 1;
  }

  function remove(id: number): boolean {
    const done = guard.write('begun', 'unsynced', () => journal.deleteCloudMessage(id));
    if (done.ok) next();
    else pause();
    return done.ok;
  }

  function failed(reason: string, message: string): void {
    failures += 1;
    refusal = message;
    if (reason !== toldReason && reason !== 'offline' && reason !== 'closed') {
      logger.warn({ reason, detail: message }, 'AWS IoT Core does not take an anomaly, trying on');
    }
    toldReason = reason;
    pause();
  }

  function pause(): void {
    const delayMs = backoff.baseMs + backoffMs(Math.max(1, failures), backoff, deps.random);
    phase = { name: 'paused', timer: time.after(delayMs, next) };
  }

  function trim(): void {
    const most = deps.mostWaiting;
    if (journal.cloudCount() <= most) return;
    const kept = phase.name === 'sending' ? phase.id : undefined;
    const done = guard.write('begun', 'unsynced', () => journal.trimCloud(most, kept));
    if (!done.ok || done.value === 0) return;
    if (lost === 0)
      logger.error({ mostWaiting: most }, 'too many anomalies wait for AWS IoT Core, the oldest are lost there');
    lost += done.value;
  }

  return {
    wake() {
      trim();
      if (phase.name === 'idle') next();
    },
    resume() {
      if (phase.name === 'paused') phase.timer.cancel();
      failures = 0;
      if (phase.name === 'idle' || phase.name === 'paused') next();
    },
    underWay: () => (phase.name === 'sending' ? phase.id : undefined),
    counts: () => ({ waiting: journal.cloudCount(), delivered, lost, refusal }),
    stop() {
      if (phase.name === 'paused') phase.timer.cancel();
      phase = { name: 'stopped' };
    },
  };
}
