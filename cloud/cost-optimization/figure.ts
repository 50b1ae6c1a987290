/** A number that a formula takes, with where it is from. */
export interface Input {
  name: string;
  value: number;
  unit: string;
  source: string;
}

/** A number that a formula gives, with the formula in words. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  formula: string;
  inputs: readonly Input[];
}

export function input(name: string, value: number, unit: string, source: string): Input {
  return { name, value, unit, source };
}

export interface Fleet {
  devices: number;
  /** Time between two readings of a device, ms. */
  readingIntervalMs: number;
  /** Devices of one site, which the storm guard watches together. */
  devicesPerSite: number;
  /** Anomaly events (firing, still, resolved) of a device a day. */
  anomaliesPerDay: number;
  /** Notes that an incident gets between its opening and its end. */
  notesPerIncident: number;
  /** Share of a shard that is used on average, above 0, at most 1; the rest is for peaks and uneven keys. */
  shardUse: number;
  /** The storm guard of a site's handler, and its cap on new incidents. */
  storm: { keys: number; windowMs: number; maxNewPerHour: number };
}

/** What all figures are computed from. */
export interface Load {
  readingsPerSecond: number;
  anomaliesPerSecond: number;
  shards: number;
  /** Mean readings a batch: full, or what a shard brings in the window. */
  batchReadings: number;
  /** Functions that store readings at a time. */
  concurrency: number;
}
