import { z } from 'zod';

const counts = z.record(z.string(), z.int().min(1));

const tenth = z.object({
  /** From its first request until its last reading was stored, ms. */
  ms: z.number().positive(),
  invocations: z.int().min(1),
  /** Requests that went to AWS, by operation, counted on their way: what was tried again counts each time. */
  requests: counts,
});

/** What `scripts/bench/readings` measures and writes, and `capacity` computes with. */
export const measuredRun = z.object({
  takenOn: z.iso.date(),
  /** What it ran on. */
  on: z.string(),
  readings: z.int().min(1),
  /** Sensors and instants; of two readings with the same one the last is stored. */
  keys: z.int().min(1),
  /** Mean size of a record, bytes. */
  recordBytes: z.number().positive(),
  /** Mean time that the function runs for a batch, ms. */
  invocationMs: z.number().positive(),
  /** Readings a batch, mean. */
  batchReadings: z.number().positive(),
  tenths: z.array(tenth).length(10),
});
export type MeasuredRun = z.infer<typeof measuredRun>;

/** What `scripts/bench/incident-events` measures and writes, and `capacity` computes with. */
export const measuredEvents = z.object({
  takenOn: z.iso.date(),
  /** What it ran on. */
  on: z.string(),
  events: z.int().min(10),
  /** Devices that the events are of: message groups. */
  keys: z.int().min(1),
  /** Requests of the consumers, by operation: DynamoDB's by name, others as method and service. */
  requests: counts,
  tenths: z.array(z.object({ ms: z.number().positive(), requests: z.int().min(0) })).length(10),
});
export type MeasuredEvents = z.infer<typeof measuredEvents>;

export interface Measured {
  readings: MeasuredRun;
  /** Undefined: nothing is said of what incident events take of Lambda, DynamoDB and S3. */
  events: MeasuredEvents | undefined;
}

/** Requests and invocations of a tenth per 1,000 readings. */
export function requestsPerThousand(run: MeasuredRun, place: number): number {
  const one = run.tenths[place];
  if (one === undefined) throw new RangeError(`A run has ten tenths, not ${place + 1}.`);
  return ((totalOf(one.requests) + one.invocations) * 1_000) / (run.readings / 10);
}

/** What is wrong with a run: requests that grow by more than 5 %, or time by more than half, from first to last tenth. */
export function driftFindings(run: MeasuredRun): string[] {
  const [first, last] = [requestsPerThousand(run, 0), requestsPerThousand(run, 9)];
  const [firstMs, lastMs] = [run.tenths[0]?.ms ?? 0, run.tenths[9]?.ms ?? 0];
  return [
    ...(Math.abs(last - first) > first * 0.05
      ? [`${last.toFixed(1)} requests per 1,000 readings in the last tenth, ${first.toFixed(1)} in the first`]
      : []),
    ...(lastMs > firstMs * 1.5
      ? [`${Math.round(lastMs)} ms for the last tenth, ${Math.round(firstMs)} for the first`]
      : []),
  ];
}

function totalOf(requests: Readonly<Record<string, number>>): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
