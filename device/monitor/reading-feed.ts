import { maxSentBytes } from '../anomaly/anomaly.ts';
import type { Logger } from '../platform/logger.ts';
import { isoUtc, type Time, type Timer } from '../platform/time.ts';
import type { Reading, ReadingMessage } from '../reading/reading.ts';
import type { Topics } from '../transport/topics.ts';
import type { PublishFailure, Transport } from '../transport/transport.ts';
import type { ClockFields } from './stamp-clock.ts';

export interface ReadingCounts {
  /** Acknowledged by the broker. */
  published: number;
  /** Given up: too large, not allowed. */
  failed: number;
  /** Lost from the buffer, oldest first. */
  dropped: number;
  /** Waiting now, those under way with them. */
  buffered: number;
}

export interface ReadingFeedDeps {
  transport: Pick<Transport, 'publish' | 'state'>;
  topics: Topics;
  /** Real time. */
  time: Time;
  logger: Logger;
  /** Readings that are kept while they cannot be published. */
  capacity: number;
  /** Publishes under way at a time. */
  mostUnderWay?: number;
  /** QoS of the publishes; default 1. */
  qos?: 0 | 1;
  changed: () => void;
}

/**
 * Publishes readings in order, a bounded number at a time; what cannot be published now waits in a bounded buffer. A
 * reading whose acknowledgement is lost is published again: subscribers tell by its `seq`.
 */
export interface ReadingFeed {
  publish(reading: Reading, clock: ClockFields): void;
  /** The connection is back. */
  drain(): void;
  stop(): void;
  counts(): ReadingCounts;
  /** Whether it keeps up: nothing waits to be sent. What is on its way causes nothing, so a replay need not wait for it. */
  isIdle(): boolean;
}

interface Item {
  order: number;
  topic: string;
  payload: string;
}

const pauseMs = 1_000;
const retryable: ReadonlySet<PublishFailure> = new Set(['offline', 'timeout', 'busy']);

export function createReadingFeed(deps: ReadingFeedDeps): ReadingFeed {
  const { transport, topics, time, logger, changed, mostUnderWay = 256, qos = 1 } = deps;
  const buffer = orderedBuffer(deps.capacity);
  const counts = { published: 0, failed: 0, dropped: 0 };
  let underWay = 0;
  let stopped = false;
  let order = 0;
  let toldFailure: string | undefined;
  /** Runs after a refusal for now, so that a busy or dying connection is not asked again for each reading. */
  let pause: Timer | undefined;

  const canSend = () =>
    !stopped && pause === undefined && underWay < mostUnderWay && transport.state().state === 'connected';

  function resume(): void {
    pause?.cancel();
    pause = undefined;
    drain();
  }

  function drain(): void {
    while (canSend()) {
      const item = buffer.shift();
      if (item === undefined) return;
      send(item);
    }
  }

  function send(item: Item): void {
    underWay += 1;
    void transport.publish(item.topic, item.payload, { qos }).then((result) => {
      underWay -= 1;
      if (result.ok) {
        counts.published += 1;
        resume();
      } else if (retryable.has(result.reason)) {
        counts.dropped += buffer.putBack(item);
        if (!stopped) pause ??= time.after(pauseMs, resume);
      } else fail(result.reason, result.message);
      changed();
    });
  }

  function fail(reason: string, detail: string): void {
    counts.failed += 1;
    if (reason !== toldFailure) logger.warn({ reason, detail }, 'a reading could not be published, given up');
    toldFailure = reason;
  }

  return {
    publish(reading, clock) {
      const payload = JSON.stringify(messageOf(reading, clock));
      if (Buffer.byteLength(payload) > maxSentBytes) {
        fail('too-large', `a reading of ${reading.deviceId} has more than ${maxSentBytes} bytes`);
        return;
      }
      const item = { order: order++, topic: topics.sensorData(reading.deviceId), payload };
      if (buffer.size() === 0 && canSend()) send(item);
      else counts.dropped += buffer.push(item);
    },
    drain: resume,
    stop() {
      stopped = true;
      pause?.cancel();
    },
    counts: () => ({ ...counts, buffered: buffer.size() + underWay }),
    isIdle: () => (buffer.size() === 0 && underWay < mostUnderWay) || transport.state().state !== 'connected',
  };
}

function messageOf({ site, deviceId, atMs, seq, metrics, raw }: Reading, clock: ClockFields): ReadingMessage {
  const message = { version: 1, site, deviceId, ts: isoUtc(atMs), seq, metrics } as const;
  return raw === undefined ? { ...message, ...clock } : { ...message, raw, ...clock };
}

/** First in, first out, by order; full, it forgets the oldest. `push` and `putBack` answer how many were forgotten. */
function orderedBuffer(capacity: number) {
  let items: Item[] = [];
  let first = 0;
  /** Taken out and come back: older than all that is in `items`. */
  let returned: Item[] = [];

  const size = () => items.length - first + returned.length;

  /** The oldest. */
  function shift(): Item | undefined {
    const back = returned.shift();
    if (back !== undefined) return back;
    const item = items[first];
    if (item === undefined) return undefined;
    first += 1;
    if (first > 1_024 && first * 2 > items.length) {
      items = items.slice(first);
      first = 0;
    }
    return item;
  }

  function forgetOverflow(): number {
    if (size() <= capacity) return 0;
    shift();
    return 1;
  }

  return {
    size,
    shift,
    push(item: Item): number {
      items.push(item);
      return forgetOverflow();
    },
    putBack(item: Item): number {
      const after = returned.findIndex(({ order }) => order > item.order);
      returned = after < 0 ? [...returned, item] : [...returned.slice(0, after), item, ...returned.slice(after)];
      return forgetOverflow();
    },
  };
}
