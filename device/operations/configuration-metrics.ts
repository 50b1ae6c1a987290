import type { ConfigurationStatus } from '../config/in-force.ts';
import type { MetricFamily } from './metrics.ts';

export const configurationFamilies: readonly MetricFamily<ConfigurationStatus>[] = [
  {
    name: 'itsm_configuration_in_force_since_timestamp_seconds',
    type: 'gauge',
    help: 'When the configuration in force was taken, in Unix time.',
    read: ({ sinceMs }) => sinceMs / 1_000,
  },
  {
    name: 'itsm_configuration_refused',
    type: 'gauge',
    help: '1 while the latest configuration of the deployment is not the one in force, since it cannot be used.',
    read: ({ refused }) => (refused === undefined ? 0 : 1),
  },
];
