import type { ViewEvent, ViewModel } from './view-model.ts';

/** For tests: a run in which humidity breaches. */
export const startedAtMs = Date.UTC(2026, 0, 5, 10, 11, 30);

export const sampleModel: ViewModel = {
  title: 'Humidity rises over 50 %RH and recovers',
  clock: { kind: 'live', elapsedMs: 83_000 },
  links: [
    { name: 'ServiceNow', url: 'http://127.0.0.1:8088' },
    { name: 'metrics', url: 'http://127.0.0.1:40123/metrics' },
  ],
  login: { user: 'admin', passwordIn: 'data/servicenow/credentials.json' },
  devices: [
    {
      name: 'IoT-blog_Core',
      sensorFault: undefined,
      firing: [],
      metrics: [
        {
          metric: 'temperature',
          unit: '°C',
          value: 21.42,
          upper: 30,
          lower: undefined,
          history: [20, 20.5, 21, 21.42],
          pendingSinceMs: undefined,
          firing: [],
        },
        {
          metric: 'humidity',
          unit: '%RH',
          value: 55.2,
          upper: 50,
          lower: undefined,
          history: [48, 49, 52, 55.2],
          pendingSinceMs: undefined,
          firing: [{ rule: 'upper', sinceMs: startedAtMs + 20_000, severity: 'high' }],
        },
      ],
    },
  ],
  incidents: [
    {
      number: 'INC0010001',
      state: 'In Progress',
      shortDescription: '[HIGH] IoT-blog_Core humidity 55.2 %RH, above 50 %RH since 10:11:50Z',
      openedAtMs: startedAtMs + 27_000,
      notes: 3,
      reopened: true,
      url: 'http://127.0.0.1:8088/incident/6d2b6a1a9c2f4b1ea2d9b4c3d2e1f000',
    },
  ],
  outbox: { waiting: 1, deadLetters: 0, paused: undefined, settlingMs: 0 },
  counters: [
    { name: 'readings', value: 46 },
    { name: 'published', value: 46 },
    { name: 'failed', value: 0 },
  ],
};

export const sampleEvents: readonly ViewEvent[] = [
  { atMs: startedAtMs + 20_000, kind: 'breach', text: 'IoT-blog_Core humidity 51.1 %RH, above 50 %RH' },
  { atMs: startedAtMs + 27_000, kind: 'created', text: 'INC0010001', url: 'http://127.0.0.1:8088/incident/x' },
];
