import type { HandlerStatus } from '../handler/handler.ts';
import type { TransportState } from '../transport/transport.ts';
import type { MetricFamily } from './metrics.ts';

/** Why the handler does not take anomalies in, or does not tell the instance; a sentence for each. */
export function handlerReasons(status: HandlerStatus, transport: TransportState): string[] {
  const { gate } = status.relay;
  return [
    ...(transport.state === 'connected' ? [] : [`Not connected to the broker: ${transport.reason}.`]),
    ...claimReasons(status),
    ...(status.storeFull ? ['The disk is full: messages are neither stored nor answered. Make room.'] : []),
    ...(gate.state === 'paused'
      ? [
          `Deliveries to ${status.instance} pause${gate.forMs === undefined ? '' : ` for another ${seconds(gate.forMs)} s`}: ${gate.reason ?? 'it failed repeatedly'}`,
        ]
      : []),
    ...(gate.state === 'probing'
      ? [`Deliveries to ${status.instance} are tried again after a pause: ${gate.reason ?? 'it failed repeatedly'}`]
      : []),
  ];
}

function claimReasons({ claim, servedBy, instance }: HandlerStatus): string[] {
  switch (claim) {
    case 'active':
      return [];
    case 'claiming':
      return ['Listening for a moment whether another handler serves this instance.'];
    case 'passive':
      return [
        `Another handler (${servedBy ?? 'unknown'}) serves ${instance}: this one takes over when it falls silent.`,
      ];
  }
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

export const handlerFamilies: readonly MetricFamily<HandlerStatus>[] = [
  {
    name: 'itsm_handler_active',
    type: 'gauge',
    help: '1 while this handler serves the instance, 0 while it listens for another one or has given way to it.',
    read: (status) => (status.claim === 'active' ? 1 : 0),
  },
  {
    name: 'itsm_anomaly_messages_total',
    type: 'counter',
    help: 'Messages of monitors by the answer; malformed and dropped ones got none.',
    label: 'result',
    read: ({ messages }) => ({ ...messages }),
  },
  {
    name: 'itsm_breaches_firing',
    type: 'gauge',
    help: 'Breaches that last.',
    read: ({ counts }) => counts.firing,
  },
  {
    name: 'itsm_breaches_silenced',
    type: 'gauge',
    help: 'Of the breaches that last, those that a silence holds back.',
    read: ({ counts }) => counts.silenced,
  },
  {
    name: 'itsm_silences',
    type: 'gauge',
    help: 'Silences that last (npm run handler -- silences).',
    read: ({ counts }) => counts.silences,
  },
  {
    name: 'itsm_incidents_total',
    type: 'counter',
    help: 'Steps told to the instance by kind: incidents created, reopened, resolved, notes, …',
    label: 'kind',
    read: ({ relay }) => ({ ...relay.told }),
  },
  {
    name: 'itsm_outbox_entries',
    type: 'gauge',
    help: 'Steps that wait to be told to the instance, quiet periods among them.',
    read: ({ counts }) => counts.entries,
  },
  {
    name: 'itsm_outbox_due_keys',
    type: 'gauge',
    help: 'Keys with a step that is due now; above 0 for long, deliveries are stuck.',
    read: ({ relay }) => relay.keys,
  },
  {
    name: 'itsm_outbox_in_flight_keys',
    type: 'gauge',
    help: 'Keys with a request under way.',
    read: ({ relay }) => relay.inFlight,
  },
  {
    name: 'itsm_outbox_settling_seconds',
    type: 'gauge',
    help: 'Time until an empty store makes its first write.',
    read: ({ relay }) => relay.settlingMs / 1_000,
  },
  {
    name: 'itsm_dead_letters',
    type: 'gauge',
    help: 'Steps that the instance refused; later steps of their keys wait behind them (npm run handler -- dead-letters).',
    read: ({ counts }) => counts.dead,
  },
  {
    name: 'itsm_entries_aside',
    type: 'gauge',
    help: 'Steps of an earlier instance that were put aside when it changed.',
    read: ({ counts }) => counts.aside,
  },
  {
    name: 'itsm_rejected_messages',
    type: 'gauge',
    help: 'Rejected messages kept for a look (npm run handler -- dead-letters).',
    read: ({ counts }) => counts.rejected,
  },
  {
    name: 'itsm_destination_up',
    type: 'gauge',
    help: '1 while the instance is told, 0 while deliveries pause or are tried again.',
    read: ({ relay }) => (relay.gate.state === 'open' ? 1 : 0),
  },
  {
    name: 'itsm_devices',
    type: 'gauge',
    help: 'Devices that this handler watches; more than 1000 are not counted.',
    read: ({ devices }) => devices.length,
  },
  {
    name: 'itsm_device_unheard_seconds',
    type: 'gauge',
    help: 'Time since the device that has been silent for longest was heard.',
    // Listed with the longest unheard first.
    read: ({ devices: [first] }) => (first === undefined ? undefined : first.unheardMs / 1_000),
  },
  {
    name: 'itsm_store_full',
    type: 'gauge',
    help: '1 while the disk refuses writes.',
    read: (status) => (status.storeFull ? 1 : 0),
  },
];
