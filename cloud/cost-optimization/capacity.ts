import { ingestCall } from '../stream-ingestion/contract.ts';
import { costs } from './costs.ts';
import type { Figure, Fleet, Load } from './figure.ts';
import type { Measured, MeasuredRun } from './measured-run.ts';
import { limits, needs } from './needs.ts';
import { quotas } from './quotas.ts';

export interface Capacity {
  needs: readonly Figure[];
  /** What the fleet needs of each quota that it meets first; those to raise say so. */
  quotas: readonly Figure[];
  /** $ a device a month. */
  cost: readonly Figure[];
}

/**
 * What a fleet needs, and what it costs a device a month. Each figure stands beside its inputs, so that whoever doubts one
 * may put in another.
 */
export function capacity(fleet: Fleet, measured: Measured): Capacity {
  const load = loadOf(fleet, measured.readings);
  return {
    needs: needs(fleet, load, measured.readings),
    quotas: quotas(fleet, load, measured.readings),
    cost: costs(fleet, load, measured),
  };
}

function loadOf(fleet: Fleet, run: MeasuredRun): Load {
  const readingsPerSecond = fleet.devices / (fleet.readingIntervalMs / 1_000);
  const records = readingsPerSecond / limits.shardRecordsPerSecond;
  const bytes = (readingsPerSecond * run.recordBytes) / limits.shardBytesPerSecond;
  const shards = Math.max(1, Math.ceil(Math.max(records, bytes) / fleet.shardUse));
  const inWindow = (readingsPerSecond / shards) * ingestCall.windowSeconds;
  const batchReadings = Math.max(1, Math.min(ingestCall.size, inWindow));
  const busy = (readingsPerSecond / batchReadings) * (run.invocationMs / 1_000);
  return {
    ...{ readingsPerSecond, shards, batchReadings },
    anomaliesPerSecond: (fleet.devices * fleet.anomaliesPerDay) / 86_400,
    concurrency: Math.max(1, Math.ceil(busy)),
  };
}
