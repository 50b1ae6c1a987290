import { z } from 'zod';

const tenth = z.object({
  /** From its first request until its last reading was stored, ms. */
  ms: z.number().positive(),
  putRecords: z.int().min(1),
  invocations: z.int().min(1),
  batchWrites: z.int().min(1),
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

/** Requests of a tenth per 1,000 readings. */
export function requestsPerThousand(run: MeasuredRun, place: number): number {
  const one = run.tenths[place];
  if (one === undefined) throw new RangeError(`A run has ten tenths, not ${place + 1}.`);
  return ((one.putRecords + one.invocations + one.batchWrites) * 1_000) / (run.readings / 10);
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
