import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Sample } from './contract.ts';

/** Samples of one day as a Parquet file (Snappy) with the columns of `sampleColumns`, sorted so that it packs and prunes well. */
export function writeSamples(samples: readonly Sample[]): Uint8Array {
  const rows = samples.toSorted(
    (a, b) => compare(a.deviceId, b.deviceId) || compare(a.metric, b.metric) || a.atMs - b.atMs || a.seq - b.seq,
  );
  const file = parquetWriteBuffer({
    columnData: [
      { name: 'site', type: 'STRING', data: rows.map(({ site }) => site) },
      { name: 'device_id', type: 'STRING', data: rows.map(({ deviceId }) => deviceId) },
      { name: 'measured_at', type: 'TIMESTAMP', data: rows.map(({ atMs }) => new Date(atMs)) },
      { name: 'seq', type: 'INT64', data: rows.map(({ seq }) => BigInt(seq)) },
      { name: 'metric', type: 'STRING', data: rows.map(({ metric }) => metric) },
      { name: 'value', type: 'DOUBLE', data: rows.map(({ value }) => value) },
      { name: 'clock_synchronised', type: 'BOOLEAN', data: rows.map((row) => row.clockSynchronised) },
      { name: 'received_at', type: 'TIMESTAMP', data: rows.map(({ receivedAtMs }) => new Date(receivedAtMs)) },
    ],
  });
  return new Uint8Array(file);
}

/** By code units: the same on every machine. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
