import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { SQSBatchResponse } from 'aws-lambda';
import type { z } from 'zod';
import { consumeInOrder } from './consume-in-order.ts';
import { parseMessage } from './domain-event.ts';
import type { ParkedRecord } from './parked-record.ts';
import type { Parking } from './parking.aws.ts';
import { sqsFifoEvent } from './sqs-event.ts';
import { countParked, type Telemetry } from './telemetry.aws.ts';

export interface EventConsumer<T extends { id: string }> {
  schema: z.ZodType<T>;
  parking: Parking;
  telemetry: Telemetry;
  /** Uses one event, and says in a word what became of it: counted as `EventsTaken` by that outcome. */
  take(event: T): Promise<string>;
}

/** A handler of a FIFO queue: in order within a group; what can never be used is parked and its followers go on. */
export function consumeEvents<T extends { id: string }>({ schema, parking, telemetry, take }: EventConsumer<T>) {
  const { logger, metrics } = telemetry;
  return async (event: unknown): Promise<SQSBatchResponse> => {
    const { Records } = sqsFifoEvent.parse(event);
    const parked: ParkedRecord[] = [];
    const outcomes = new Map<string, number>();
    try {
      const { batchItemFailures, errors } = await consumeInOrder(Records, async (message) => {
        const parsed = parseMessage(schema, message);
        if (!parsed.ok) {
          await parking.park([parsed.parked]);
          parked.push(parsed.parked);
          return;
        }
        const outcome = await take(parsed.value);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        logger.debug('event taken', { id: parsed.value.id, groupId: message.groupId, outcome });
      });
      for (const error of errors) logger.error('event not taken, SQS sends it again', { error });
      return { batchItemFailures };
    } finally {
      if (parked.length > 0) countParked(telemetry, parked);
      for (const [outcome, count] of outcomes) {
        const byOutcome = metrics.singleMetric();
        byOutcome.addDimension('outcome', outcome);
        byOutcome.addMetric('EventsTaken', MetricUnit.Count, count);
      }
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    }
  };
}
