import { z } from 'zod';

/**
 * A row of the table `samples`: one value of one metric. A message that comes twice is there twice; the query `readings`
 * has each once.
 */
export interface Sample {
  site: string;
  deviceId: string;
  /** Instant of the sample, epoch ms. */
  atMs: number;
  /** Counts up per device within one run of its monitor. */
  seq: number;
  metric: string;
  value: number;
  /** Whether the device knew its clock to be right. */
  clockSynchronised: boolean;
  /** When AWS IoT received the message, epoch ms. */
  receivedAtMs: number;
}

/** Columns of `samples` in the order of its files; beside them the folder `day=YYYY-MM-DD` of the instant, UTC. */
export const sampleColumns = {
  site: 'string',
  device_id: 'string',
  measured_at: 'timestamp',
  seq: 'bigint',
  metric: 'string',
  value: 'double',
  clock_synchronised: 'boolean',
  received_at: 'timestamp',
} as const;

/** First day that the table has; what claims to be older has a clock that was never set. */
export const firstDay = '2020-01-01';

/** Why a line of a raw object, or a message about one, can never be used. */
export const parkingReasons = [
  /** The message on the queue is not a notification of S3. */
  'not-a-notification',
  /** The raw object is larger, packed or not, than Firehose writes. */
  'object-too-large',
  /** The raw object is not there any more: it ended before it was converted. */
  'object-missing',
  /** More lines of the raw object than are parked one by one can never be used; the object stands for them. */
  'many-lines-refused',
  /** The raw object is neither gzip nor text. */
  'not-text',
  /** The line is not what the IoT rule writes. */
  'not-published',
  /** The payload is not JSON. */
  'not-json',
  /** JSON, but not a reading of version 1. */
  'bad-schema',
  /** The device is not the thing that published it, nor one that this gateway speaks for. */
  'other-device',
  /** The instant lies before `firstDay`, or more than a day after the message came. */
  'instant-out-of-range',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

const notification = z.object({
  s3: z.object({
    object: z.object({
      // S3 writes it as in the query of a URL.
      key: z.string().transform((key) => decodeURIComponent(key.replaceAll('+', ' '))),
      size: z.int().min(0),
    }),
  }),
});

/** What S3 sends to a queue: objects that were created; once, when the notification is set up, a test event. */
export const objectNotification = z.union([
  z.object({ Records: z.array(notification).min(1) }).transform(({ Records }) => Records.map(({ s3 }) => s3.object)),
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => []),
]);
