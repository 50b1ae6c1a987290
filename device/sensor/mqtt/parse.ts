import { z } from 'zod';
import { type Metrics, namePart, readingMessage } from '../../reading/reading.ts';
import { decodeLevel, handlerDevice } from '../../transport/topics.ts';
import type { InboundMessage } from '../../transport/transport.ts';

export type RefusedMessage =
  | 'too-large'
  | 'not-json'
  | 'not-a-reading'
  | 'unknown-version'
  | 'wrong-device'
  | 'no-device';

export type ParsedMessage =
  | { ok: true; deviceId: string; site?: string; ts?: number; metrics: Metrics }
  | { ok: false; reason: RefusedMessage };

/** Metrics that one message may carry. */
const mostMetrics = 64;

/** `*` stands for a whole sensor in keys, so no metric may be called so. */
const metricName = namePart.refine((name) => name !== '*');
const reading = readingMessage.extend({ metrics: z.custom<Metrics>(isMetrics) });

/**
 * A gateway's message: the reading schema, or a flat object of numbers whose device is the last level of the topic.
 * Where the filter's last level is `+` the topic names the device, and a payload that names another one is refused.
 */
export function parseGatewayMessage(message: InboundMessage, topicFilter: string, maxBytes: number): ParsedMessage {
  if (message.payload.byteLength > maxBytes) return { ok: false, reason: 'too-large' };
  const payload = parseJson(message.payload);
  if (payload === undefined) return { ok: false, reason: 'not-json' };
  const topicDevice = namePart.safeParse(decodeLevel(message.topic.slice(message.topic.lastIndexOf('/') + 1)));
  const isVersioned = typeof payload === 'object' && payload !== null && 'version' in payload;
  const parsed = isVersioned ? parseReading(payload) : parseFlat(payload, topicDevice.data);
  if (!parsed.ok) return parsed;
  const namedByTopic = topicFilter.endsWith('+');
  if (parsed.deviceId === handlerDevice || (namedByTopic && parsed.deviceId !== topicDevice.data)) {
    return { ok: false, reason: 'wrong-device' };
  }
  return parsed;
}

function parseReading(payload: unknown): ParsedMessage {
  const parsed = reading.safeParse(payload);
  if (parsed.success) {
    const { deviceId, site, metrics, clockSynchronised, ts } = parsed.data;
    return { ok: true, deviceId, site, metrics, ...(clockSynchronised ? { ts: Date.parse(ts) } : {}) };
  }
  const ofVersion = parsed.error.issues.some((issue) => issue.path[0] === 'version');
  return { ok: false, reason: ofVersion ? 'unknown-version' : 'not-a-reading' };
}

function parseFlat(payload: unknown, deviceId: string | undefined): ParsedMessage {
  if (!isMetrics(payload)) return { ok: false, reason: 'not-a-reading' };
  return deviceId === undefined ? { ok: false, reason: 'no-device' } : { ok: true, deviceId, metrics: payload };
}

/** By hand: every reading has them, and a schema took as long as all else that is done with one. */
function isMetrics(payload: unknown): payload is Metrics {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return false;
  const entries = Object.entries(payload);
  if (entries.length === 0 || entries.length > mostMetrics) return false;
  return entries.every(([name, value]) => Number.isFinite(value) && isMetricName(name));
}

/** Names that were found good: a site has few. */
const goodNames = new Set<string>();
const mostGoodNames = 1_000;

function isMetricName(name: string): boolean {
  if (goodNames.has(name)) return true;
  const isGood = metricName.safeParse(name).success;
  if (isGood && goodNames.size < mostGoodNames) goodNames.add(name);
  return isGood;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(payload)) ?? undefined;
  } catch {
    return undefined;
  }
}
