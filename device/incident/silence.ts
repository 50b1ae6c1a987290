import { z } from 'zod';
import { type Key, rules } from '../anomaly/anomaly.ts';
import { namePart } from '../reading/reading.ts';

/**
 * A person's word that nothing is to be told of some breaches for a while. It holds back, it does not lose.
 *
 * | under a silence that covers it | what is told                                                                     |
 * |--------------------------------|----------------------------------------------------------------------------------|
 * | a breach fires                 | nothing; it is stored, and counts for no storm                                   |
 * | an unsent opening waits        | nothing; one whose end is not known is looked up, and kept if it was made         |
 * | a told breach goes on          | nothing: notes wait, the latest is told after the silence if it still lasts       |
 * | a told breach ends             | its recovery, and its incident is resolved in time                                |
 * | an untold breach ends          | nothing, ever: it is recorded only                                               |
 * | a breach is over before it     | all of it: it is of another time, however late its messages come                  |
 * | the silence ends               | what still fires opens then, with its true start; many at once are a storm        |
 *
 * What a storm holds is told by the storm's incident, so only a silence that covers the storm holds it back; and what is
 * recorded only, or left to the people who ended its incident, is so with a silence and without.
 *
 * Instants are those of the handler's clock (`time`): a person means the clock on the wall, which goes on while a device
 * is offline, so it is not the event time that a device last said. In a replay that clock is the recording's.
 */
export interface Silence {
  /** 8 hex digits. */
  id: string;
  /** Null stands for all; so does each of the next three. */
  site: string | null;
  deviceId: string | null;
  metric: string | null;
  rule: string | null;
  author: string;
  reason: string;
  /** Epoch ms. */
  startsAtMs: number;
  /** Epoch ms: the first instant that it does not cover. */
  endsAtMs: number;
}

/** What a person asks for; a part that is left out, or null, stands for all. */
export interface SilenceRequest {
  site?: string | null;
  deviceId?: string | null;
  metric?: string | null;
  rule?: string | null;
  author: string;
  reason: string;
  /** Epoch ms. */
  untilMs: number;
}

/** A handler holds so many at most: each breach is compared with each. */
export const mostSilences = 1_000;
/** A forgotten silence must not hide a sensor for good. */
export const longestSilenceMs = 31 * 24 * 3_600_000;

const part = (what: z.ZodType<string>) => what.nullish().transform((value) => value ?? null);
const sentence = (what: string, most: number) =>
  z
    .string()
    .trim()
    .min(1, `say ${what}`)
    .max(most, `at most ${most} characters`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    .regex(/^[^\u0000-\u001f\u007f]+$/, 'control characters are not allowed');
const requestSchema = z.object({
  site: part(namePart),
  deviceId: part(namePart),
  metric: part(namePart),
  rule: part(z.enum(rules, `not a rule; rules are ${rules.join(', ')}`)),
  author: sentence('who sets it', 100),
  reason: sentence('why', 500),
  untilMs: z.number().transform(Math.round),
});

/** Makes a silence that begins now; refuses, with a sentence, what is not a bounded one. */
export function makeSilence(
  request: SilenceRequest,
  now: { id: string; nowMs: number; count: number },
): { ok: true; silence: Silence } | { ok: false; reason: string } {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, reason: `${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? 'cannot be read'}` };
  }
  const { untilMs, ...fields } = parsed.data;
  const startsAtMs = Math.round(now.nowMs);
  const lastsMs = untilMs - startsAtMs;
  if (lastsMs <= 0) return { ok: false, reason: 'its end has passed already' };
  if (lastsMs > longestSilenceMs) return { ok: false, reason: 'it lasts longer than 31 days; set a shorter one' };
  if (now.count >= mostSilences) {
    return { ok: false, reason: `there are ${mostSilences} already; end one, or set one that covers more` };
  }
  return { ok: true, silence: { id: now.id, ...fields, startsAtMs, endsAtMs: untilMs } };
}

/** Whether a silence speaks of this key, at whatever time. */
export function covers(silence: Silence, key: Key): boolean {
  return (
    (silence.site === null || silence.site === key.site) &&
    (silence.deviceId === null || silence.deviceId === key.deviceId) &&
    (silence.metric === null || silence.metric === key.metric) &&
    (silence.rule === null || silence.rule === key.rule)
  );
}

/**
 * Whether a silence holds back what fires for this key now. Its begin is not asked: it was set in the past, whatever a
 * clock that was wrong since says.
 */
export function isSilenced(silences: readonly Silence[], key: Key, nowMs: number): boolean {
  return silences.some((silence) => nowMs < silence.endsAtMs && covers(silence, key));
}

/** Whether what ended at this instant of event time ended under a silence. */
export function endedUnder(silences: readonly Silence[], key: Key, endedAtMs: number): boolean {
  return silences.some(
    (silence) => silence.startsAtMs <= endedAtMs && endedAtMs < silence.endsAtMs && covers(silence, key),
  );
}
