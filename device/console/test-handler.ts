import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import { type Config, configSchema } from '../config/schema.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { makeSilence, type Silence } from '../incident/silence.ts';
import { goodHandler } from '../operations/test-statuses.ts';
import type { Entry } from '../outbox/entry.ts';
import { AppError } from '../platform/errors.ts';
import { isoUtc } from '../platform/time.ts';
import type { ServedHandler } from './served-handler.ts';

/** A handler of plain values, for tests of the console. */
export interface TestHandler extends ServedHandler {
  occurrences: Occurrence[];
  letters: Entry[];
  redriven: (readonly number[] | 'all')[];
}

export const startMs = Date.parse('2026-03-01T12:00:00Z');

export function testConfig(change: (config: Config) => void = () => {}): Config {
  const config = configSchema.parse({ deviceId: 'pi' });
  change(config);
  return config;
}

let made = 0;

/** A breach of `humidity upper` at `home/pi` that has fired at the start and is told by an incident. */
export function testBreach(message: Partial<AnomalyMessage> = {}, change: Partial<Occurrence> = {}): Occurrence {
  made += 1;
  const id = made.toString(16).padStart(32, '0');
  const key = {
    ...{ site: message.site ?? 'home', deviceId: message.deviceId ?? 'pi' },
    ...{ metric: message.metric ?? 'humidity', rule: message.rule ?? 'upper' },
  } as const;
  return {
    ...{ id, correlationId: correlationId(key), phase: message.endedAt == null ? 'firing' : 'ended' },
    ...{ place: 'attached', incident: { sysId: 'a'.repeat(32), number: 'INC0010001' } },
    ...{ toldSeverity: 'high', notedAtMs: startMs, updatesSinceNote: 0, heldBy: null, silence: 'none' },
    message: {
      ...{ version: 1, id, installationId: 'b'.repeat(32), installationCreatedAt: isoUtc(0), ...key },
      ...{ sequence: 1, firingSequence: 1, phase: 'firing', opener: 'edge', severity: 'high', unit: '%RH' },
      ...{ value: 56, limit: 50, deadband: 2, peak: 56.2, startedAt: isoUtc(startMs - 60_000), endedAt: null },
      ...{ endReason: null, at: isoUtc(startMs), text: 'above the limit', configVersion: '-', window: [] },
      ...{ bootId: 'boot', monotonicMs: 1, clockSynchronised: true, clockSource: 'none' },
      ...message,
    },
    ...change,
  };
}

export function testHandler(): TestHandler {
  let silences: Silence[] = [];
  const handler: TestHandler = {
    ...{ occurrences: [], letters: [], redriven: [] },
    status: () => ({
      ...goodHandler,
      counts: { ...goodHandler.counts, dead: handler.letters.length, silences: silences.length },
      // What the handler accepted counts up with each breach.
      messages: { ...goodHandler.messages, accepted: handler.occurrences.length },
    }),
    recent: (limit) => handler.occurrences.slice(0, limit),
    firing: (limit) => handler.occurrences.filter(({ phase }) => phase === 'firing').slice(0, limit),
    breach: (id) => handler.occurrences.find((one) => one.id === id),
    deadLetters: (limit) => handler.letters.slice(0, limit),
    oldestEntryMs: () => startMs - 90_000,
    redrive(ids) {
      handler.redriven.push(ids);
      const chosen = handler.letters.filter(({ id }) => ids === 'all' || ids.includes(id));
      handler.letters = handler.letters.filter((letter) => !chosen.includes(letter));
      return chosen.length;
    },
    silences: () => silences,
    silence(request) {
      const result = makeSilence(request, { id: '0badf00d', nowMs: startMs, count: silences.length });
      if (!result.ok) throw new AppError('bad-silence', `This silence cannot be set: ${result.reason}.`);
      silences = [...silences, result.silence];
      return result.silence;
    },
    endSilence(id) {
      const before = silences.length;
      silences = silences.filter((silence) => silence.id !== id);
      return silences.length < before;
    },
  };
  return handler;
}
