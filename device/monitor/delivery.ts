import type { AnswerMessage } from '../anomaly/anomaly.ts';
import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';
import { dueQueue } from '../platform/due-queue.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Topics } from '../transport/topics.ts';
import type { Transport } from '../transport/transport.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { Journal, SavedMessage } from './journal.ts';

export interface DeliveryDeps {
  journal: Journal;
  guard: DiskGuard;
  transport: Transport;
  topics: Topics;
  /** Real time. */
  time: Time;
  random: () => number;
  logger: Logger;
  backoff: BackoffPolicy;
  /** Rejected messages that are kept. */
  mostRejected: number;
  /** Something was published, answered or given up. */
  changed: () => void;
}

/**
 * Tells the handler of anomalies until it answers: one unanswered message a key, in order; across keys in parallel.
 *
 * | a key      | what is there                         | left by                                                     |
 * |------------|---------------------------------------|-------------------------------------------------------------|
 * | absent     | nothing waits                         | `wake` → due                                                |
 * | due        | its first message is to be sent       | sent → unanswered                                           |
 * | unanswered | sent, its time for an answer runs     | answer → due with the next one, or absent; time out, reconnect, start of the handler → due |
 *
 * While offline all keys are due and nothing is sent. One timer serves all keys. A message is published once it is synced.
 */
export interface Delivery {
  start(): void;
  stop(): void;
  /** A message of the key was put into the journal. */
  wake(key: string): void;
  /** The handler has started, or the connection is back: nobody waits for an answer that will not come. */
  wakeAll(): void;
  /** Puts what was put in order in the journal behind its back (another installation) in place. */
  reload(): void;
  /** Sequence of the key's message that was sent and not answered: it is not to be changed any more. */
  unanswered(key: string): number | undefined;
  isWaiting(key: string): boolean;
  /** An answer of our installation; one to anything but the unanswered message changes nothing. */
  answered(key: string, answer: AnswerMessage): void;
  /** Nothing waits for an answer, and nothing is on its way. */
  isIdle(): boolean;
}

interface Line {
  /** The message that was sent and not answered. */
  sent: { id: number; sequence: number } | undefined;
  attempts: number;
  /** It waits for the disk. */
  syncing: boolean;
}

/** Publishes under way at a time. */
const mostUnderWay = 64;

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { journal, guard, transport, topics, time, logger, backoff } = deps;
  const lines = new Map<string, Line>();
  const due = dueQueue();
  let timer: Timer | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let underWay = 0;
  let running = false;
  let toldFailure: string | undefined;
  let toldRejection: string | undefined;
  /** Answers of this turn of the event loop, by key. */
  let answers = new Map<string, { line: Line; id: number; answer: AnswerMessage }>();

  function setDue(key: string, atMs: number): void {
    due.set(key, atMs);
    arm();
  }

  /** One timer for the earliest key; none while nothing could be sent. */
  function arm(): void {
    const nextMs = due.nextAtMs();
    if (!running || nextMs === undefined || underWay >= mostUnderWay || !isConnected()) return;
    if (nextMs >= timerAtMs) return;
    timer?.cancel();
    timerAtMs = nextMs;
    timer = time.after(nextMs - time.monotonicMs(), () => {
      timerAtMs = Number.POSITIVE_INFINITY;
      pump();
    });
  }

  const isConnected = () => transport.state().state === 'connected';

  function pump(): void {
    while (running && isConnected() && underWay < mostUnderWay) {
      const [key] = due.takeDue(time.monotonicMs(), 1);
      if (key === undefined) break;
      send(key);
    }
    arm();
    deps.changed();
  }

  function send(key: string): void {
    const line = lines.get(key);
    const head = journal.head(key);
    if (line === undefined || head === undefined) {
      lines.delete(key);
      return;
    }
    if (line.syncing) return;
    line.sent = { id: head.id, sequence: head.sequence };
    line.attempts += 1;
    line.syncing = true;
    underWay += 1;
    journal.afterSync(() => {
      line.syncing = false;
      publish(key, line, head);
    });
  }

  function publish(key: string, line: Line, head: SavedMessage): void {
    // An answer takes its time: without the base, full jitter would often send twice within one round trip.
    due.set(key, time.monotonicMs() + backoff.baseMs + backoffMs(line.attempts, backoff, deps.random));
    void transport.publish(topics.anomaly(head.deviceId), head.body).then((result) => {
      underWay -= 1;
      if (!result.ok && result.reason === 'too-large') reject(key, { id: head.id, reason: result.message });
      else if (
        !result.ok &&
        result.reason !== 'offline' &&
        result.reason !== 'closed' &&
        result.reason !== toldFailure
      ) {
        logger.warn({ reason: result.reason, detail: result.message }, 'an anomaly could not be published, trying on');
      }
      toldFailure = result.ok ? undefined : result.reason;
      pump();
    });
  }

  function next(key: string, line: Line): void {
    line.sent = undefined;
    line.attempts = 0;
    if (journal.head(key) !== undefined) setDue(key, time.monotonicMs());
    else {
      lines.delete(key);
      due.delete(key);
    }
  }

  function putAside(id: number, reason: string): void {
    journal.putAside(id, reason, time.wallMs(), deps.mostRejected);
    if (reason !== toldRejection) logger.warn({ reason }, 'an anomaly was rejected, put aside');
    toldRejection = reason;
  }

  /** What the transport cannot carry, such as a message that another kind of transport left: it would never get through. */
  function reject(key: string, { id, reason }: { id: number; reason: string }): void {
    const line = lines.get(key);
    if (line?.sent?.id !== id) return;
    if (guard.write('begun', 'unsynced', () => putAside(id, reason)).ok) next(key, line);
  }

  /** One transaction for all: a handler that comes back answers in crowds. */
  function storeAnswers(): void {
    const batch = [...answers].filter(([key, { line, id }]) => lines.get(key) === line && line.sent?.id === id);
    answers = new Map();
    if (!running) return;
    // Without a sync: what a power loss brings back is sent again, and answered as a duplicate.
    const done = guard.write('begun', 'unsynced', () => {
      for (const [, { id, answer }] of batch) {
        if (answer.result === 'rejected') putAside(id, answer.reason ?? 'no reason given');
        else journal.deleteMessage(id);
      }
    });
    if (done.ok) for (const [key, { line }] of batch) next(key, line);
    deps.changed();
  }

  function reload(): void {
    lines.clear();
    due.clear();
    for (const key of journal.waitingKeys()) {
      lines.set(key, { sent: undefined, attempts: 0, syncing: false });
      due.set(key, time.monotonicMs());
    }
    arm();
  }

  return {
    reload,
    start() {
      running = true;
      reload();
    },
    stop() {
      running = false;
      timer?.cancel();
      timerAtMs = Number.POSITIVE_INFINITY;
    },
    wake(key) {
      if (lines.has(key)) return;
      lines.set(key, { sent: undefined, attempts: 0, syncing: false });
      setDue(key, time.monotonicMs());
    },
    wakeAll() {
      for (const [key, line] of lines) {
        line.attempts = 0;
        due.set(key, time.monotonicMs());
      }
      pump();
    },
    unanswered: (key) => lines.get(key)?.sent?.sequence,
    isWaiting: (key) => lines.has(key),
    answered(key, answer) {
      const line = lines.get(key);
      if (line?.sent?.sequence !== answer.sequence) return;
      if (answers.size === 0) setImmediate(storeAnswers);
      answers.set(key, { line, id: line.sent.id, answer });
    },
    isIdle: () => underWay === 0 && lines.size === 0,
  };
}
