import type { HandlerStatus } from '../handler/handler.ts';
import type { MonitorHealth } from './monitor-operations.ts';

/** Statuses of components that do their work, for tests. */
export const goodMonitor: MonitorHealth = {
  readings: { read: 120, published: 118, failed: 2, dropped: 1, buffered: 3 },
  messages: { waiting: 1, rejected: 0, unreported: 4 },
  devices: 1,
  firing: 1,
  lastReadingAtMs: 1_000_000,
  sensorFault: undefined,
  clockSynchronised: true,
  storeFull: false,
};

export const goodHandler: HandlerStatus = {
  claim: 'active',
  instance: 'https://dev1.example/incident',
  relay: {
    keys: 1,
    inFlight: 0,
    gate: { state: 'open' },
    settlingMs: 1_500,
    told: {
      created: 3,
      joined: 0,
      reopened: 1,
      noted: 5,
      recovered: 2,
      resolved: 2,
      adopted: 0,
      'duplicate-canceled': 0,
      released: 0,
      charted: 3,
      'dead-letter': 0,
    },
  },
  counts: { entries: 2, dead: 0, aside: 0, rejected: 0, firing: 1, silenced: 0, silences: 2 },
  messages: { accepted: 9, duplicate: 2, rejected: 0, malformed: 1, dropped: 0 },
  devices: [
    { site: 'home', deviceId: 'freezer-07', unheardMs: 90_500 },
    { site: 'home', deviceId: 'IoT-blog_Core', unheardMs: 500 },
  ],
  storeFull: false,
};
