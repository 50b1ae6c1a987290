import { z } from 'zod';
import { readingMessage } from '../../device/reading/reading.ts';

/**
 * What the IoT rule writes to the stream for each message. The bytes are kept as they came, so that a message that is
 * not JSON can be parked whole, and so that no field of it can pose as one of the rule's.
 */
export function ruleSql(topicFilter: string): string {
  return `SELECT encode(*, 'base64') AS data, clientid() AS clientId, timestamp() AS receivedAtMs FROM '${topicFilter}'`;
}

/** A message as the rule writes it. */
export const publishedMessage = z.object({
  data: z.base64().describe('The payload as it was published.'),
  clientId: z.string().min(1).max(256).describe('MQTT client that published it: `<thing>` or `<thing>#<n>`.'),
  receivedAtMs: z.int().min(0).max(8.64e15).describe('When AWS IoT received it, epoch ms.'),
});

/** Name of the table, by which other rooms read it. */
export const readingsTableName = 'IoTBlog-readings';

/** `IoTBlog/sensorData`: the project's reading. */
export const reading = readingMessage;

/** Why a record can never be stored. */
export const parkingReasons = [
  /** Neither JSON nor `value|timestamp`. */
  'not-a-reading',
  /** JSON, but not a reading of version 1. */
  'bad-schema',
  /** More bytes than any reading has. */
  'too-large',
  /** A number that DynamoDB cannot hold: 38 digits, 1e-130 to 1e126. */
  'number-out-of-range',
  /** The device of the reading is not the thing that published it, nor one that this gateway speaks for. */
  'other-device',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** Which devices a gateway's thing speaks for, besides itself. */
export const gatewaysSchema = z.record(z.string(), z.array(z.string()));
export type Gateways = z.infer<typeof gatewaysSchema>;

/** A client is its thing; what stands behind `#` numbers the connections of one nucleus, and no thing is named so. */
export function maySpeakFor(clientId: string, deviceId: string, gateways: Gateways): boolean {
  const [thing = ''] = clientId.split('#');
  return thing === deviceId || (Object.hasOwn(gateways, thing) && gateways[thing]?.includes(deviceId) === true);
}

/**
 * A row of the table. Numbers are decimal text, as DynamoDB takes them, so that none is rounded on its way.
 * Last writer wins for the same `partitionKey` and `timestamp`.
 */
export interface ReadingItem {
  /** Device or sensor. */
  partitionKey: string;
  /** Instant of the sample, ISO 8601 UTC with milliseconds, so that text order is time order. */
  timestamp: string;
  /** The one value of a `value|timestamp` record. */
  value?: string;
  /** The values of a reading, by metric. */
  metrics?: Readonly<Record<string, string>>;
  site?: string;
  seq?: number;
  /** When DynamoDB may delete it, epoch seconds. */
  expiresAt: number;
}

/** When the function is called: with so many records of a shard, or what came in the window. */
export const ingestCall = { size: 100, windowSeconds: 5 } as const;
