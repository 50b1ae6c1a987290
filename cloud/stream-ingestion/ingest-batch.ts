import type { StreamRecord } from '../shared/kinesis-event.ts';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { DecodeSettings } from './decode.ts';
import { batchItemFailures, planBatch, type Write } from './ingest.ts';

export interface IngestPorts {
  table: { write(writes: readonly Write[]): Promise<readonly Write[]> };
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface IngestResult {
  stored: number;
  parked: readonly ParkedRecord[];
  newestMs: number | undefined;
  batchItemFailures: { itemIdentifier: string }[];
}

/**
 * One batch of a shard: rows first, so that a table that is away parks nothing twice.
 * @throws what a port throws: then the batch is tried again as a whole, which is safe.
 */
export async function ingestBatch(
  records: readonly StreamRecord[],
  settings: DecodeSettings,
  { table, parking }: IngestPorts,
): Promise<IngestResult> {
  const { writes, parked, newestMs } = planBatch(records, settings);
  const unwritten = await table.write(writes);
  await parking.park(parked);
  return {
    stored: writes.length - unwritten.length,
    parked,
    newestMs,
    batchItemFailures: batchItemFailures(unwritten),
  };
}
