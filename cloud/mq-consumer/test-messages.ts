import { reading } from '../stream-ingestion/test-records.ts';

export const arrivedMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A message of the event; `body` is its text or bytes. */
export function message(count: number, body: string | Uint8Array, fields: Record<string, unknown> = {}) {
  return {
    messageID: `ID:plant-40143-1795570443594-3:3:-1:1:${count}`,
    messageType: typeof body === 'string' ? 'jms/text-message' : 'jms/bytes-message',
    timestamp: fields['brokerInTime'] ?? arrivedMs,
    deliveryMode: 1,
    correlationID: null,
    replyTo: null,
    destination: { physicalName: 'myQueue' },
    redelivered: false,
    type: null,
    expiration: 0,
    priority: 4,
    data: Buffer.from(body).toString('base64'),
    brokerInTime: arrivedMs,
    brokerOutTime: arrivedMs + 1,
    properties: {},
    ...fields,
  };
}

/** A reading as a machine of the plant sends it. */
export function readingText(fields: Record<string, unknown> = {}): string {
  return JSON.stringify(reading(fields));
}
