import { type Gateways, maySpeakFor, publishedMessage, reading } from '../stream-ingestion/contract.ts';
import { firstDay, type ParkingReason, type Sample } from './contract.ts';

export type Decoded =
  | { kind: 'samples'; samples: readonly Sample[] }
  | { kind: 'parked'; reason: ParkingReason; detail: string; bytes: Uint8Array };

const dayMs = 86_400_000;
const firstMs = Date.parse(firstDay);

/** What a line of a raw object is: a message as the IoT rule wrote it, with its payload in base64. */
export function decode(line: string, gateways: Gateways): Decoded {
  const published = publishedMessage.safeParse(parseJson(line));
  if (!published.success) return parked('not-published', 'not a line of the IoT rule', Buffer.from(line));
  const { data, clientId, receivedAtMs } = published.data;
  const bytes = Buffer.from(data, 'base64');
  const payload = parseJson(bytes.toString('utf8'));
  if (payload === undefined) return parked('not-json', `message of ${clientId} is not JSON`, bytes);
  const parsed = reading.safeParse(payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return parked('bad-schema', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, bytes);
  }
  const { site, deviceId, ts, seq, metrics, clockSynchronised } = parsed.data;
  if (!maySpeakFor(clientId, deviceId, gateways)) {
    return parked('other-device', `client ${clientId} published a reading of ${deviceId}`, bytes);
  }
  const atMs = Date.parse(ts);
  if (atMs < firstMs || atMs > receivedAtMs + dayMs) {
    return parked('instant-out-of-range', `${ts}; it was received at ${new Date(receivedAtMs).toISOString()}`, bytes);
  }
  const shared = { site, deviceId, atMs, seq, clockSynchronised, receivedAtMs };
  return {
    kind: 'samples',
    samples: Object.entries(metrics).map(([metric, value]) => ({ ...shared, metric, value })),
  };
}

/** The partition that a sample lies in: its day, UTC. */
export function dayOf({ atMs }: Pick<Sample, 'atMs'>): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function parked(reason: ParkingReason, detail: string, bytes: Uint8Array): Decoded {
  return { kind: 'parked', reason, detail, bytes };
}

/** @returns undefined where it is not JSON, which no JSON text means. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
