import { z } from 'zod';
import type { TemplateResource } from './template.ts';

/** How Lambda polls one shard: the settings of an event source that decide what becomes of a failing batch. */
const settingsSchema = z.object({
  BatchSize: z.int().min(1),
  MaximumRetryAttempts: z.int().min(0),
  MaximumRecordAgeInSeconds: z.int().min(60),
  BisectBatchOnFunctionError: z.boolean(),
});
export type PollerSettings = z.infer<typeof settingsSchema>;

/** The settings of an `AWS::Lambda::EventSourceMapping` of a template. */
export function pollerSettings({ Properties }: TemplateResource): PollerSettings {
  return settingsSchema.parse(Properties);
}

export interface ShardRecord {
  sequenceNumber: string;
  arrivedMs: number;
}

export interface BatchAnswer {
  batchItemFailures: readonly { itemIdentifier: string }[];
}

/**
 * What became of a shard: everything in order, and what was let go. Lambda tells the on-failure queue only where such
 * records begin and end, not what they are.
 */
export interface ShardRun<R> {
  invocations: number;
  letGo: R[];
}

/**
 * A model of Lambda's poller on one shard, without its waits. A batch that throws is halved where bisecting is on, and
 * halving is no retry; a batch that names failures begins again at the first of them; after the last retry, or when they
 * are too old, records are let go and their followers are next.
 * Source: "Using Lambda to process records from Amazon Kinesis Data Streams", AWS Lambda Developer Guide.
 */
export async function pollShard<R extends ShardRecord>(
  records: readonly R[],
  settings: PollerSettings,
  { invoke, nowMs = () => 0 }: { invoke(batch: readonly R[]): Promise<BatchAnswer>; nowMs?: () => number },
): Promise<ShardRun<R>> {
  const run: ShardRun<R> = { invocations: 0, letGo: [] };

  async function answerTo(batch: readonly R[]): Promise<BatchAnswer | 'threw'> {
    run.invocations += 1;
    try {
      return await invoke(batch);
    } catch {
      return 'threw';
    }
  }

  async function process(given: readonly R[], retriesBefore: number): Promise<void> {
    let batch = given;
    for (let retries = retriesBefore; ; retries += 1) {
      const oldest = nowMs() - settings.MaximumRecordAgeInSeconds * 1_000;
      run.letGo.push(...batch.filter(({ arrivedMs }) => arrivedMs < oldest));
      batch = batch.filter(({ arrivedMs }) => arrivedMs >= oldest);
      if (batch.length === 0) return;
      const answer = await answerTo(batch);
      if (answer === 'threw') {
        if (settings.BisectBatchOnFunctionError && batch.length > 1) {
          const middle = Math.floor(batch.length / 2);
          await process(batch.slice(0, middle), retries);
          await process(batch.slice(middle), retries);
          return;
        }
      } else {
        const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        if (failed.size === 0) return;
        const first = batch.findIndex(({ sequenceNumber }) => failed.has(sequenceNumber));
        // A name that is not in the batch fails it whole.
        batch = batch.slice(Math.max(first, 0));
      }
      if (retries === settings.MaximumRetryAttempts) {
        run.letGo.push(...batch);
        return;
      }
    }
  }

  for (let start = 0; start < records.length; start += settings.BatchSize) {
    await process(records.slice(start, start + settings.BatchSize), 0);
  }
  return run;
}
