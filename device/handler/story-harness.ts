import { afterEach } from 'vitest';
import type { AnomalyMessage, RollCallKey } from '../anomaly/anomaly.ts';
import type { Config } from '../config/schema.ts';
import { isoUtc } from '../platform/time.ts';
import { type Harness, type HarnessOptions, startHarness } from './handler-harness.ts';

export const minuteMs = 60_000;

let open: Harness[] = [];
afterEach(async () => {
  for (const harness of open) await harness.close();
  open = [];
});

/** A handler that is closed with its test. */
export async function start(change?: (config: Config) => void, options?: HarnessOptions): Promise<Harness> {
  const harness = await startHarness(change, options);
  open.push(harness);
  return harness;
}

/** The same past the settle time that an empty store keeps before its first write. */
export async function ready(change?: (config: Config) => void, options?: HarnessOptions): Promise<Harness> {
  const harness = await start(change, options);
  await harness.pass(91_000, 10_000);
  return harness;
}

/** The same after it lost its store: a breach is over, and its incident still open. */
export async function lostAfterRecovery(
  change?: (config: Config) => void,
): Promise<{ harness: Harness; over: AnomalyMessage }> {
  const harness = await ready(change);
  const over = harness.anomaly();
  await harness.pass(10_000);
  await recover(harness, over);
  await harness.restart({ loseStore: true });
  return { harness, over };
}

/** A breach of the harness's device as its roll call tells of it. */
export function firingOf(
  message: Pick<AnomalyMessage, 'id' | 'firingSequence' | 'startedAt'>,
): NonNullable<RollCallKey['firing']> {
  const { id, firingSequence, startedAt } = message;
  const reading = { unit: '°C', value: 31, limit: 30, deadband: 0.5, peak: 32 };
  return { id, firingSequence, startedAt, severity: 'high', ...reading, text: 'above the limit' };
}

/** Sends the end of a breach, and lets it be handled. */
export async function recover(harness: Harness, fired: AnomalyMessage): Promise<AnomalyMessage> {
  const { metric, rule, deviceId, firingSequence, startedAt } = fired;
  const endedAt = isoUtc(harness.time.wallMs());
  const over = { phase: 'resolved', endedAt, endReason: 'cleared' } as const;
  const resolved = harness.anomaly({ metric, rule, deviceId, firingSequence, startedAt, ...over });
  await harness.settle();
  return resolved;
}
