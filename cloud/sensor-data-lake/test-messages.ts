/** When the messages of the tests were received. */
export const receivedMs = Date.UTC(2026, 0, 2, 4);

/** A reading as a device publishes it. */
export function reading(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: 1,
    site: 'hall-2',
    deviceId: 'press-4',
    ts: '2026-01-02T03:04:05.678Z',
    seq: 12,
    metrics: { temperature: 21.5, humidity: 40.25 },
    bootId: 'b1',
    monotonicMs: 5,
    clockSynchronised: true,
    clockSource: 'chrony',
    ...fields,
  };
}

/** A line of a raw object: what the IoT rule writes of a payload. */
export function line(payload: unknown, clientId = 'press-4', receivedAtMs = receivedMs): string {
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return JSON.stringify({ data: bytes.toString('base64'), clientId, receivedAtMs });
}

/** A message of the queue, as S3 writes it. */
export function notification(messageId: string, key: string, size = 100) {
  const Records = [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'raw' }, object: { key, size } } }];
  return { messageId, body: JSON.stringify({ Records }) };
}
