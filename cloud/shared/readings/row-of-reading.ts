import type { ReadingMessage } from '../../../device/reading/reading.ts';
import type { ReadingItem } from '../../stream-ingestion/contract.ts';
import { storableDecimal } from './decimal.ts';

/** A reading as a row of the readings table, whatever way it came. */
export type RowOfReading =
  | { kind: 'row'; item: ReadingItem; atMs: number }
  /** A number that DynamoDB cannot hold; `detail` names it. */
  | { kind: 'number-out-of-range'; detail: string };

const dayMs = 86_400_000;

/**
 * The row of a reading: numbers digit for digit, the instant in UTC with milliseconds, so that text order is time order.
 * @param expiresAt see `expiryOf`
 */
export function rowOfReading({ deviceId, site, ts, seq, metrics }: ReadingMessage, expiresAt: number): RowOfReading {
  const numbers: Record<string, string> = {};
  for (const [metric, value] of Object.entries(metrics)) {
    const number = storableDecimal(String(value));
    if (number === undefined || number === 'out-of-range') {
      return { kind: 'number-out-of-range', detail: `${metric} is ${value}` };
    }
    numbers[metric] = number;
  }
  const atMs = Date.parse(ts);
  return {
    kind: 'row',
    atMs,
    item: { partitionKey: deviceId, timestamp: new Date(atMs).toISOString(), metrics: numbers, site, seq, expiresAt },
  };
}

/** When DynamoDB may delete a row, epoch seconds: so many days after it arrived. */
export function expiryOf(arrivedMs: number, keepDays: number): number {
  return Math.floor((arrivedMs + keepDays * dayMs) / 1_000);
}
