import { prices } from './prices.ts';

export interface Meter {
  /** At list price: computed of what was counted, not what a bill says. */
  usd: number;
  /** A GB is 10⁹ bytes that were read. */
  usdPerGb: number;
}

export interface Counted {
  slices: number;
  durationMs: number;
  puts: number;
  bytesIn: number;
}

/** Requests of SQS for a work item: sent, received, deleted; ten are sent in one. */
const sqsRequestsASlice = 2.1;

/** What so many slices cost: the function by duration and memory, and the requests that a slice makes. */
export function meterOf({ slices, durationMs, puts, bytesIn }: Counted, memoryMb: number): Meter {
  const gbSeconds = (durationMs / 1_000) * (memoryMb / 1_024);
  const usd = gbSeconds * prices.lambdaGbSecondUsd.arm64 + slices * requestsUsd() + puts * prices.s3PutUsd;
  return { usd, usdPerGb: bytesIn === 0 ? 0 : usd / (bytesIn / 1e9) };
}

/** Of one slice, besides the objects that it writes: call, work item, read of the source, look and count in the work table. */
export function requestsUsd(): number {
  return (
    prices.lambdaRequestUsd +
    sqsRequestsASlice * prices.sqsRequestUsd +
    prices.s3GetUsd +
    prices.dynamoReadUnitUsd +
    prices.dynamoWriteUnitUsd
  );
}
