import { sleep, type Time } from '../platform/time.ts';
import type { Subscription } from './transport.ts';

/** How long the peer may take to answer; the subscribers hear nothing more in any case. */
const withinMs = 500;

/** Ends subscriptions, at a stop: a peer that does not answer must not keep its caller from stopping in time. */
export async function unsubscribeAll(subscriptions: readonly Subscription[], time: Time): Promise<void> {
  const limit = new AbortController();
  const answered = Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  await Promise.race([answered, sleep(time, withinMs, limit.signal)]).finally(() => limit.abort());
}
