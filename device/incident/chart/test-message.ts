import { type AnomalyMessage, anomalyMessage } from '../../anomaly/anomaly.ts';

/** A lasting breach of 30 °C since 10:11:50Z with readings every 5 s from 10:10 to 10:14, for tests. */
export function breachMessage(fields: Partial<AnomalyMessage>): AnomalyMessage {
  const from = Date.parse('2015-08-22T10:10:00Z');
  const window = Array.from({ length: 49 }, (_, index) => [from + index * 5_000, 29 + index / 16]);
  const message = anomalyMessage.parse({
    version: 1,
    id: '0123456789abcdef0123456789abcdef',
    installationId: 'a'.repeat(32),
    installationCreatedAt: '2015-08-01T00:00:00Z',
    site: 'home',
    deviceId: 'pi',
    metric: 'temperature',
    rule: 'upper',
    sequence: 1,
    firingSequence: 1,
    phase: 'firing',
    opener: 'edge',
    severity: 'high',
    unit: '°C',
    value: 32,
    limit: 30,
    deadband: 0.5,
    peak: 32,
    startedAt: '2015-08-22T10:11:50Z',
    endedAt: null,
    endReason: null,
    at: '2015-08-22T10:14:00Z',
    text: 'temperature above its limit',
    configVersion: '1',
    bootId: 'boot',
    monotonicMs: 1,
    clockSynchronised: true,
    clockSource: 'recording',
    window,
  });
  return { ...message, ...fields };
}
