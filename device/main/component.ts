import type { ConfigurationStatus } from '../config/in-force.ts';
import type { Config } from '../config/schema.ts';
import type { Ipc } from '../greengrass/ipc.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time } from '../platform/time.ts';

/** What both components are given by whoever puts them together. */
export interface ComponentContext {
  /** Its groups stay the same objects where a change of what is `live` is adopted. */
  config: Config;
  /** Which configuration is in force now. */
  configuration: () => ConfigurationStatus;
  /** Name and version, e.g. `greengrass-itsm/0.1.0`. */
  software: string;
  logger: Logger;
  /** Event time: the recording's clock in a replay. */
  time: Time;
  /** Real time: backoff, time-outs, connections. */
  deliveryTime: Time;
  random: () => number;
  /** The nucleus, for a component that runs under one; stopped by whoever made it. */
  ipc?: Ipc;
  /** 32 random hex digits. */
  newId: () => string;
}
