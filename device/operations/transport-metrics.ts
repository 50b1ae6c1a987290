import type { CountingTransport, TransportState, TransportStats } from '../transport/transport.ts';
import { type MetricFamily, type MetricSource, metricSource } from './metrics.ts';

interface TransportStatus {
  state: TransportState;
  stats: TransportStats;
}

const families: readonly MetricFamily<TransportStatus>[] = [
  {
    name: 'itsm_transport_connected',
    type: 'gauge',
    help: '1 while the component is connected to the broker.',
    read: ({ state }) => (state.state === 'connected' ? 1 : 0),
  },
  {
    name: 'itsm_transport_sent_messages_total',
    type: 'counter',
    help: 'Publishes by their end: acknowledged, or failed.',
    label: 'result',
    read: ({ stats }) => ({ acknowledged: stats.published, failed: stats.publishFailed }),
  },
  {
    name: 'itsm_transport_received_messages_total',
    type: 'counter',
    help: 'Messages that came in: handed on, or dropped because they were too large.',
    label: 'result',
    read: ({ stats }) => ({ received: stats.received, too_large: stats.tooLarge }),
  },
  {
    name: 'itsm_transport_handler_failures_total',
    type: 'counter',
    help: 'Messages whose handling threw; any but 0 is a bug.',
    read: ({ stats }) => stats.handlerFailed,
  },
];

export function transportMetrics(transport: Pick<CountingTransport, 'state' | 'stats'>): MetricSource {
  return metricSource(families, () => ({ state: transport.state(), stats: transport.stats() }));
}
