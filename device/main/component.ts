import type { Layer } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';

/** What both components are given by whoever puts them together. */
export interface ComponentContext {
  config: Config;
  /** Told in every anomaly, so that an incident can be traced to the limits in force. */
  configVersion: string;
  /** The layer that the value at a path of the configuration came from. */
  configOrigin: (path: string) => Layer;
  /** Name and version, e.g. `greengrass-itsm/0.1.0`. */
  software: string;
  logger: Logger;
  /** Event time: the recording's clock in a replay. */
  time: Time;
  /** Real time: backoff, time-outs, connections. */
  deliveryTime: Time;
  random: () => number;
  /** 32 random hex digits. */
  newId: () => string;
}
