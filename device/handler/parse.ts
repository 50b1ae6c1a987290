import { z } from 'zod';
import { type AnomalyMessage, anomalyMessage, maxMessageBytes, rules } from '../anomaly/anomaly.ts';
import { namePart } from '../reading/reading.ts';

/** What an answer needs: who is told that the message was refused. */
const identitySchema = z.object({
  site: namePart,
  deviceId: namePart,
  metric: namePart,
  rule: z.enum(rules),
  installationId: z.string().regex(/^[0-9a-f]{32}$/),
  sequence: z.number().int(),
});

export type Parsed =
  | { ok: true; message: AnomalyMessage }
  | { ok: false; reason: string; excerpt: string; identity: z.infer<typeof identitySchema> | undefined };

/** Versions of the anomaly message that this release reads. */
const knownVersions = [1];

/** An anomaly message from hostile bytes. `topicDevice` is the device that the topic names, if it names one. */
export function parseAnomaly(payload: Uint8Array, topicDevice: string | undefined): Parsed {
  const refuse = (reason: string, value?: unknown): Parsed => {
    const identity = identitySchema.safeParse(value);
    return {
      ok: false,
      reason: reason.slice(0, 300),
      excerpt: Buffer.from(payload.subarray(0, 2_000)).toString('utf8'),
      identity: identity.success ? identity.data : undefined,
    };
  };
  if (payload.byteLength > maxMessageBytes) {
    return refuse(`the message has ${payload.byteLength} bytes; at most ${maxMessageBytes} are read`);
  }
  const value = parseJson(payload);
  if (value === undefined) return refuse('the message is not JSON');
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (!knownVersions.some((known) => known === version)) {
    return refuse(
      `version ${JSON.stringify(version)} is not known; this handler reads ${knownVersions.join(', ')}`,
      value,
    );
  }
  const parsed = anomalyMessage.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit the schema'}`, value);
  }
  if (topicDevice !== undefined && topicDevice !== parsed.data.deviceId) {
    return refuse(`the topic names device ${topicDevice}, the message ${parsed.data.deviceId}`, value);
  }
  return { ok: true, message: parsed.data };
}

/** A status message, or undefined where it is none. */
export function parseStatus<T>(payload: Uint8Array, schema: z.ZodType<T>): T | undefined {
  if (payload.byteLength > maxMessageBytes) return undefined;
  const parsed = schema.safeParse(parseJson(payload));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
