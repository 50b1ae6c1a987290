import { type AnomalyMessage, type Key, maxSentBytes } from '../anomaly/anomaly.ts';
import type { Transition } from '../anomaly/detection.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import { isoUtc } from '../platform/time.ts';
import type { Installation } from './journal.ts';
import type { ClockFields } from './stamp-clock.ts';

export interface MessageParts {
  installation: Pick<Installation, 'id' | 'createdAtMs'>;
  key: Key;
  transition: Transition;
  sequence: number;
  firingSequence: number;
  opener: AnomalyMessage['opener'];
  configVersion: string;
  window: readonly [number, number][];
  clock: ClockFields;
}

/** A transition as it is told. Whatever it holds, the message fits its schema. */
export function anomalyMessageOf(parts: MessageParts): AnomalyMessage {
  const { installation, key, transition, sequence, firingSequence } = parts;
  const { phase, severity, unit, value, limit, deadband, peak, endedAtMs, endReason } = transition;
  const { site, deviceId, metric, rule } = key;
  return {
    version: 1,
    id: occurrenceId(installation.id, key, firingSequence),
    installationId: installation.id,
    installationCreatedAt: isoUtc(installation.createdAtMs),
    ...{ site, deviceId, metric, rule },
    ...{ sequence, firingSequence, phase },
    opener: parts.opener,
    severity,
    unit: unit.slice(0, 16),
    ...{ value: finite(value), limit: finite(limit), deadband: finite(deadband), peak: finite(peak) },
    startedAt: isoUtc(transition.startedAtMs),
    endedAt: endedAtMs === null ? null : isoUtc(endedAtMs),
    endReason,
    at: isoUtc(transition.atMs),
    text: transition.text.slice(0, 300),
    configVersion: parts.configVersion.slice(0, 64),
    window: parts.window.filter(([at, reading]) => Number.isFinite(at) && Number.isFinite(reading)),
    ...parts.clock,
  };
}

/**
 * The message as it is sent, under `maxSentBytes`: what does not fit costs points of the window first, every second
 * one but the latest, then the text.
 */
export function encodeAnomaly(message: AnomalyMessage): string {
  for (let shorter = message; ; ) {
    const text = JSON.stringify(shorter);
    if (Buffer.byteLength(text) <= maxSentBytes) return text;
    if (shorter.window.length > 0) shorter = { ...shorter, window: halved(shorter.window) };
    else if (shorter.text !== '') shorter = { ...shorter, text: '' };
    else return text;
  }
}

/** A message with its wall stamps moved, once it is known by how much the clock was wrong. */
export function correctMessage(message: AnomalyMessage, byMs: number, clockSynchronised: boolean): AnomalyMessage {
  const moved = (iso: string) => isoUtc(Date.parse(iso) + byMs);
  return {
    ...message,
    startedAt: moved(message.startedAt),
    endedAt: message.endedAt === null ? null : moved(message.endedAt),
    at: moved(message.at),
    window: message.window.map(([at, value]): [number, number] => [at + byMs, value]),
    clockSynchronised,
  };
}

/** The same told by another installation, as an occurrence of its own. */
export function reissueMessage(
  message: AnomalyMessage,
  installation: Pick<Installation, 'id' | 'createdAtMs'>,
  sequence: number,
): AnomalyMessage {
  return {
    ...message,
    id: occurrenceId(installation.id, message, sequence),
    installationId: installation.id,
    installationCreatedAt: isoUtc(installation.createdAtMs),
    sequence,
    firingSequence: sequence,
  };
}

function halved(window: AnomalyMessage['window']): AnomalyMessage['window'] {
  const last = window.length - 1;
  return window.length === 1 ? [] : window.filter((_, index) => (last - index) % 2 === 0);
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
