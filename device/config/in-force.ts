import type { Layer } from './merge.ts';

/** The configuration in force, as it is told to people: which, from where, since when, and what was refused instead. */
export interface ConfigurationStatus {
  /** The same for the same effective configuration; told in every anomaly. */
  version: string;
  /** The layer that the value at a path came from. */
  origin: (path: string) => Layer;
  /** When it came into force, wall time, epoch ms. */
  sinceMs: number;
  /** Why the deployment's latest configuration is not the one in force; undefined while it is. */
  refused: { atMs: number; reason: string } | undefined;
}
