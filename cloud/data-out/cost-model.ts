import { requestsUsd } from './meter.ts';
import { prices } from './prices.ts';

/** The post's figures: "250 billion events-per-day, which translates to 55 terabytes", "costing only $1,000 per day". */
export const post = { eventsADay: 250e9, bytesADay: 55e12, usdADay: 1_000 } as const;

/** Memory with which a function of Lambda has one whole processor, MB. Source: AWS Lambda developer guide, "Configure Lambda function memory". */
export const processorMb = 1_769;

export interface CostInput {
  /** What one processor takes for a MB (10⁶ bytes) of input: the quickest and the slowest of several runs. */
  cpuSecondsAMb: { low: number; high: number };
  /** Bytes of a slice. */
  sliceBytes: number;
  /** Bytes of a part of an upload. */
  partBytes: number;
  /** Bytes out for each byte in. */
  outputRatio: number;
}

export interface DayCost {
  lambdaUsd: number;
  putsUsd: number;
  /** Calls, work items, reads of the source, the work table. */
  requestsUsd: number;
  usd: number;
  /** To what the post says. */
  factor: number;
}

/**
 * What the post's day would cost by this room: from arm64 with the quickest run to x86 with the slowest.
 * No upper bound: SDK, TLS, checksums and waiting for S3 are not in what was measured.
 */
export function costADay(
  input: CostInput,
  day: { bytesADay: number; usdADay: number } = post,
): { low: DayCost; high: DayCost } {
  const slices = day.bytesADay / input.sliceBytes;
  const cost = (cpuSeconds: number, gbSecondUsd: number): DayCost => {
    const lambdaUsd = (day.bytesADay / 1e6) * cpuSeconds * (processorMb / 1_024) * gbSecondUsd;
    const putsUsd = slices * putsASlice(input) * prices.s3PutUsd;
    const others = slices * requestsUsd();
    const usd = lambdaUsd + putsUsd + others;
    return { lambdaUsd, putsUsd, requestsUsd: others, usd, factor: usd / day.usdADay };
  };
  return {
    low: cost(input.cpuSecondsAMb.low, prices.lambdaGbSecondUsd.arm64),
    high: cost(input.cpuSecondsAMb.high, prices.lambdaGbSecondUsd.x86_64),
  };
}

/** One, or the parts of an upload with its begin and end. */
export function putsASlice({
  sliceBytes,
  partBytes,
  outputRatio,
}: Pick<CostInput, 'sliceBytes' | 'partBytes' | 'outputRatio'>): number {
  const out = sliceBytes * outputRatio;
  return out < partBytes ? 1 : Math.ceil(out / partBytes) + 2;
}

/** PUTs of a day whose objects are of this size, each written with one. */
export function putsUsdADay(objectBytes: number): number {
  return (post.bytesADay / objectBytes) * prices.s3PutUsd;
}

/** GB-seconds of x86 that the post's money buys a day, and what each of them has to get done for it to be enough, MB. */
export function breakEven(): { gbSecondsADay: number; mbAGbSecond: number } {
  const gbSecondsADay = post.usdADay / prices.lambdaGbSecondUsd.x86_64;
  return { gbSecondsADay, mbAGbSecond: post.bytesADay / 1e6 / gbSecondsADay };
}
