import type { AnomalyMessage, Key } from '../../device/anomaly/anomaly.ts';
import { occurrenceId } from '../../device/anomaly/identity.ts';

export const startMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A message of a device, as its monitor makes it; at second `sequence` unless told otherwise. */
export function anomaly(fields: Partial<AnomalyMessage> = {}): AnomalyMessage {
  const { sequence = 1, firingSequence = sequence, phase = 'firing' } = fields;
  const installationId = fields.installationId ?? 'a'.repeat(32);
  const key: Key = {
    site: fields.site ?? 'hall-2',
    deviceId: fields.deviceId ?? 'press-4',
    metric: fields.metric ?? 'temperature',
    rule: fields.rule ?? 'upper',
  };
  const instant = (second: number) => new Date(startMs + second * 1_000).toISOString().replace('.000Z', 'Z');
  const ends = phase === 'resolved';
  return {
    version: 1,
    id: occurrenceId(installationId, key, firingSequence),
    installationId,
    installationCreatedAt: '2026-01-01T00:00:00Z',
    ...key,
    sequence,
    firingSequence,
    phase,
    opener: 'cloud',
    severity: 'high',
    unit: '°C',
    value: 31.4,
    limit: 30,
    deadband: 0.5,
    peak: 31.4,
    startedAt: instant(firingSequence),
    endedAt: ends ? instant(sequence) : null,
    endReason: ends ? 'cleared' : null,
    at: instant(sequence),
    text: 'above the limit',
    configVersion: 'test',
    window: [],
    bootId: 'boot',
    monotonicMs: sequence,
    clockSynchronised: true,
    clockSource: 'chrony',
    ...fields,
  };
}

/** The messages of one breach: firing, updated, resolved. */
export function breach(firingSequence: number, fields: Partial<AnomalyMessage> = {}): AnomalyMessage[] {
  return (['firing', 'updated', 'resolved'] as const).map((phase, place) =>
    anomaly({ ...fields, phase, firingSequence, sequence: firingSequence + place }),
  );
}
