import type { z } from 'zod';
import type { ParkedRecord } from './parked-record.ts';
import type { QueuedMessage } from './sqs-event.ts';

/** An event as it is published to a fan-out: in order within `groupId`, and not twice for one `id`. */
export interface PublishedEvent {
  /** Derived from what happened, so that a publisher that tries again does not publish it twice. */
  id: string;
  groupId: string;
  /** What filter policies choose by. */
  eventType: string;
  subject: string;
  /** JSON. */
  body: string;
}

/** Why a message of a queue can never be used. */
export type UnusableReason = 'not-json' | 'bad-schema';

export type ParsedMessage<T> = { ok: true; value: T } | { ok: false; parked: ParkedRecord };

/** The message by its schema, or what is to be parked of it. */
export function parseMessage<S extends z.ZodType>(
  schema: S,
  { messageId, body }: QueuedMessage,
): ParsedMessage<z.output<S>> {
  const unusable = (reason: UnusableReason, detail: string): ParsedMessage<z.output<S>> => ({
    ok: false,
    parked: { id: messageId, reason, detail, bytes: Buffer.from(body) },
  });
  const json = parseJson(body);
  if (json === undefined) return unusable('not-json', 'the message is not JSON');
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  return unusable('bad-schema', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit the schema'}`);
}

/** @returns undefined where it is not JSON, which no JSON text means. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
