import type { AnomalyMessage, AnswerMessage, DeviceStatusMessage, HandlerStatusMessage } from '../anomaly/anomaly.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import type { ReadingMessage } from '../reading/reading.ts';

/** One breach, as it goes over the wire: humidity in a greenhouse, above 50 %RH since 10:11:50. */

const device = { site: 'greenhouse', deviceId: 'IoT-blog_Core' } as const;
const clock = { bootId: '6f1d0c4e', monotonicMs: 731_200, clockSynchronised: true, clockSource: 'timesyncd' } as const;
const installation = {
  installationId: '0f9c1d6b2a7e4c358d10b6e7f2a49c53',
  installationCreatedAt: '2026-03-01T08:00:00Z',
} as const;
const key = { ...device, metric: 'humidity', rule: 'upper' } as const;
const breach = {
  id: occurrenceId(installation.installationId, key, 7),
  firingSequence: 7,
  severity: 'high',
  unit: '%RH',
  value: 53.4,
  limit: 50,
  deadband: 2,
  peak: 53.4,
  startedAt: '2026-03-01T10:11:50Z',
  text: 'humidity above its upper limit',
} as const;

export const readingExample: ReadingMessage = {
  version: 1,
  ...device,
  ts: '2026-03-01T10:12:50Z',
  seq: 1_536,
  metrics: { temperature: 24.61, humidity: 53.4 },
  raw: { temperature: 27.02, humidity: 46.3 },
  ...clock,
};

export const anomalyExample: AnomalyMessage = {
  version: 1,
  ...installation,
  ...key,
  ...breach,
  sequence: 7,
  phase: 'firing',
  opener: 'edge',
  endedAt: null,
  endReason: null,
  at: '2026-03-01T10:12:50Z',
  configVersion: '4be1f0a2c95d',
  window: [
    [Date.parse('2026-03-01T10:11:45Z'), 49.8],
    [Date.parse('2026-03-01T10:11:50Z'), 50.6],
    [Date.parse('2026-03-01T10:12:50Z'), 53.4],
  ],
  ...clock,
};

export const answerExample: AnswerMessage = {
  version: 1,
  ...key,
  installationId: installation.installationId,
  sequence: 7,
  result: 'accepted',
  highWater: 7,
  handlerId: 'c2b7a1d45e9043f8a6d07be1932c4f60',
  at: '2026-03-01T10:12:50.031Z',
};

export const deviceStatusExamples: readonly DeviceStatusMessage[] = [
  {
    version: 1,
    kind: 'roll-call',
    ...device,
    ...installation,
    software: 'greengrass-itsm/0.1.0',
    at: '2026-03-01T10:15:00Z',
    callId: '9d3f52c1',
    page: 1,
    pages: 1,
    keys: [
      { metric: 'humidity', rule: 'upper', lastSequence: 7, firing: breach, waiting: false },
      { metric: '*', rule: 'no-data', lastSequence: 2, firing: null, waiting: false },
    ],
    ...clock,
  },
  {
    version: 1,
    kind: 'heartbeat',
    ...device,
    ...installation,
    at: '2026-03-01T10:15:00Z',
    lastReadingAt: '2026-03-01T10:14:55Z',
    sensor: 'ok',
    ...clock,
  },
  { version: 1, kind: 'offline', ...device },
];

export const handlerStatusExample: HandlerStatusMessage = {
  version: 1,
  kind: 'handler',
  handlerId: answerExample.handlerId,
  startId: '71c0de5a',
  startedAt: '2026-03-01T09:58:02Z',
  instance: 'https://dev1.service-now.com incident',
  state: 'active',
  at: '2026-03-01T10:12:17Z',
};
