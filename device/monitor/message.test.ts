import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnomalyMessage, anomalyMessage, maxMessageBytes } from '../anomaly/anomaly.ts';
import type { Transition } from '../anomaly/detection.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import { namePart } from '../reading/reading.ts';
import { anomalyMessageOf, correctMessage, encodeAnomaly, type MessageParts, reissueMessage } from './message.ts';

const startMs = Date.parse('2026-03-01T12:00:00Z');
const transition: Transition = {
  ...{ metric: 'temperature', rule: 'upper', phase: 'firing', severity: 'high', unit: '°C', text: 'above the limit' },
  ...{ value: 31, limit: 30, deadband: 0.5, peak: 31.5 },
  ...{ startedAtMs: startMs, endedAtMs: null, endReason: null, atMs: startMs + 60_000 },
};
const parts: MessageParts = {
  installation: { id: 'a'.repeat(32), createdAtMs: startMs },
  key: { site: 'home', deviceId: 'pi', metric: 'temperature', rule: 'upper' },
  transition,
  ...{ sequence: 4, firingSequence: 3, opener: 'edge', configVersion: 'v1', window: [[startMs, 31]] },
  clock: { bootId: 'boot', monotonicMs: 5, clockSynchronised: true, clockSource: 'timesyncd' },
};

describe('an anomaly message', () => {
  test('carries the occurrence’s identity, stamps in ISO UTC, and its window', () => {
    expect(anomalyMessageOf(parts)).toMatchObject({
      ...{ id: occurrenceId('a'.repeat(32), parts.key, 3), sequence: 4, firingSequence: 3 },
      ...{ startedAt: '2026-03-01T12:00:00Z', endedAt: null, at: '2026-03-01T12:01:00Z', window: [[startMs, 31]] },
      ...{ installationCreatedAt: '2026-03-01T12:00:00Z', configVersion: 'v1', bootId: 'boot' },
    });
  });

  test('loses every second point of its window first, the latest never, then its text', () => {
    const window = Array.from({ length: 240 }, (_, n): [number, number] => [startMs + n * 5_000, 31 + n + 1 / 7]);
    const text = encodeAnomaly(anomalyMessageOf({ ...parts, window }));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxMessageBytes);
    const kept: AnomalyMessage = JSON.parse(text);
    expect(kept.window).toHaveLength(120);
    expect(kept.window.at(-1)).toEqual(window.at(-1));
    expect(kept.text).toBe('above the limit');
  });

  test('fits its schema and 8 KB, whatever names, numbers and windows are in it', () => {
    const wildNumber = fc.oneof(fc.double(), fc.constant(null));
    const name = fc
      .string({ minLength: 1, maxLength: 128, unit: 'binary' })
      .filter((text) => namePart.safeParse(text).success);
    const instant = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(
        fc.record({ site: name, deviceId: name, metric: name }),
        fc.record({ value: wildNumber, limit: wildNumber, deadband: wildNumber, peak: wildNumber }),
        fc.record({
          startedAtMs: instant,
          atMs: instant,
          text: fc.string({ maxLength: 1_000, unit: 'binary' }),
          unit: fc.string({ maxLength: 40 }),
        }),
        fc.array(fc.tuple(instant, fc.double()), { maxLength: 240 }),
        (names, numbers, rest, window) => {
          const key = { ...names, rule: 'upper' } as const;
          const wild = { ...transition, ...names, ...numbers, ...rest };
          const text = encodeAnomaly(anomalyMessageOf({ ...parts, key, transition: wild, window }));
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxMessageBytes);
          const parsed = anomalyMessage.parse(JSON.parse(text));
          expect(parsed.id).toBe(occurrenceId(parts.installation.id, parsed, 3));
        },
      ),
    );
  });

  test('is corrected in all its stamps, and in no duration', () => {
    const ended = anomalyMessageOf({
      ...parts,
      transition: { ...transition, phase: 'resolved', endedAtMs: startMs + 1_000, endReason: 'cleared' },
      clock: { ...parts.clock, clockSynchronised: false },
    });
    expect(correctMessage(ended, 3_600_000, true)).toEqual({
      ...ended,
      ...{ startedAt: '2026-03-01T13:00:00Z', endedAt: '2026-03-01T13:00:01Z', at: '2026-03-01T13:01:00Z' },
      ...{ window: [[startMs + 3_600_000, 31]], clockSynchronised: true },
    });
  });

  test('told by another installation it is an occurrence of its own', () => {
    const again = reissueMessage(anomalyMessageOf(parts), { id: 'b'.repeat(32), createdAtMs: startMs + 1_000 }, 1);
    expect(again).toMatchObject({ sequence: 1, firingSequence: 1, installationCreatedAt: '2026-03-01T12:00:01Z' });
    expect(again.id).toBe(occurrenceId('b'.repeat(32), parts.key, 1));
  });
});
