import { AppError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { filterProblem, topicMatcher } from './topic-filter.ts';
import type { InboundMessage } from './transport.ts';

export type MessageHandler = (message: InboundMessage) => void | Promise<void>;

interface Subscriber {
  filter: string;
  matches: (topic: string) => boolean;
  handler: MessageHandler;
}

export interface Subscriptions {
  /** Throws AppError `topic-invalid` for a filter that MQTT does not know. */
  add(filter: string, handler: MessageHandler): Subscriber;
  remove(subscriber: Subscriber): void;
  /** Filters with at least one subscriber, each once. */
  filters(): string[];
  has(filter: string): boolean;
  matches(topic: string): boolean;
  /**
   * Hands a message to every subscriber that it is for; one that is too large goes to none. `by`: to those of that filter
   * alone, where the peer sends a message once for each filter.
   */
  dispatch(message: InboundMessage, by?: string): void;
  counts(): { received: number; tooLarge: number; handlerFailed: number };
}

/** Who wants which messages, on this side of the wire; the same for every adapter. */
export function createSubscriptions({
  logger,
  maxPayloadBytes,
}: {
  logger: Logger;
  maxPayloadBytes: number;
}): Subscriptions {
  const subscribers = new Set<Subscriber>();
  const counts = { received: 0, tooLarge: 0, handlerFailed: 0 };

  function failed(error: unknown, topic: string): void {
    counts.handlerFailed += 1;
    logger.error({ err: error, topic }, 'message handler failed');
  }

  return {
    add(filter, handler) {
      const problem = filterProblem(filter);
      if (problem !== undefined) {
        throw new AppError('topic-invalid', `Topic filter "${filter.slice(0, 200)}" cannot be used: ${problem}.`);
      }
      const subscriber = { filter, matches: topicMatcher(filter), handler };
      subscribers.add(subscriber);
      return subscriber;
    },
    remove(subscriber) {
      subscribers.delete(subscriber);
    },
    filters: () => [...new Set([...subscribers].map(({ filter }) => filter))],
    has: (filter) => [...subscribers].some((subscriber) => subscriber.filter === filter),
    matches: (topic) => [...subscribers].some((subscriber) => subscriber.matches(topic)),
    dispatch(message, by) {
      const { topic, payload } = message;
      if (payload.length > maxPayloadBytes) {
        counts.tooLarge += 1;
        if (counts.tooLarge > 1) return;
        logger.warn(
          { topic, bytes: payload.length, maxPayloadBytes },
          'message too large; further ones are only counted',
        );
        return;
      }
      counts.received += 1;
      for (const subscriber of subscribers) {
        if (by === undefined ? !subscriber.matches(topic) : subscriber.filter !== by) continue;
        try {
          const done = subscriber.handler(message);
          if (done !== undefined) done.catch((error: unknown) => failed(error, topic));
        } catch (error) {
          failed(error, topic);
        }
      }
    },
    counts: () => ({ ...counts }),
  };
}
