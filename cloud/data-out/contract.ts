import { z } from 'zod';

/** A slice is a range of bytes of an object, and no larger. */
export const largestSlice = 100_000_000;
/** Slices of one object: 200 GB, and a row of the work table that stays small. */
export const mostSlices = 2_000;
/** A line that is longer is no reading, and never held in memory, bytes. */
export const longestLine = 1_048_576;

const fieldPath = z.string().regex(/^[\w-]+(\.[\w-]+){0,7}$/);

/** What a destination gets of each line. */
export const destinationTemplate = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,40}$/)
    .describe('Folder that objects for it are put into, `exports/<name>/`.'),
  input: z
    .discriminatedUnion('format', [
      z.strictObject({ format: z.literal('ndjson') }),
      z.strictObject({
        format: z.literal('csv'),
        columns: z.array(fieldPath).min(1).max(200),
        header: z.boolean().describe('Whether the first line of an object names the columns.'),
      }),
    ])
    .describe('A line is a record: no value of a CSV has a line break.'),
  output: z.enum(['ndjson', 'csv']),
  fields: z
    .array(
      z.strictObject({
        from: fieldPath.describe('Where the value stands in a line: `metrics.temperature`.'),
        to: z.string().min(1).max(100),
        required: z.boolean().default(false).describe('A line without it is refused.'),
      }),
    )
    .min(1)
    .max(200),
  concurrency: z.int().min(2).max(1_000).describe('Slices at a time, as much as the destination bears.'),
});
export type DestinationTemplate = z.infer<typeof destinationTemplate>;

/** Readings as devices publish them, `device/reading/reading.ts`, one a line. */
export const readingsCsv: DestinationTemplate = destinationTemplate.parse({
  name: 'readings-csv',
  input: { format: 'ndjson' },
  output: 'csv',
  fields: [
    { from: 'deviceId', to: 'device', required: true },
    { from: 'ts', to: 'timestamp', required: true },
    { from: 'site', to: 'site' },
    { from: 'metrics.temperature', to: 'temperature' },
    { from: 'metrics.humidity', to: 'humidity' },
  ],
  concurrency: 10,
});

/** Rows of the history, as `npm run lake -- --query readings --format ndjson` prints them. */
export const historyCsv: DestinationTemplate = destinationTemplate.parse({
  name: 'history-csv',
  input: { format: 'ndjson' },
  output: 'csv',
  fields: [
    { from: 'device_id', to: 'device', required: true },
    { from: 'measured_at', to: 'timestamp', required: true },
    { from: 'site', to: 'site' },
    { from: 'metric', to: 'metric', required: true },
    { from: 'value', to: 'value', required: true },
  ],
  concurrency: 10,
});

/** Rows of a recording, `timestamp,temperature,humidity` with a header, as JSON. */
export const recordingJson: DestinationTemplate = destinationTemplate.parse({
  name: 'recording-json',
  input: { format: 'csv', columns: ['timestamp', 'temperature', 'humidity'], header: true },
  output: 'ndjson',
  fields: [
    { from: 'timestamp', to: 'at', required: true },
    { from: 'temperature', to: 'celsius' },
    { from: 'humidity', to: 'percent' },
  ],
  concurrency: 5,
});

/** A work item: the lines of an object that begin at `start` or behind it, and before `end`. */
export const slice = z
  .strictObject({
    job: z.string().regex(/^[0-9a-f]{32}$/),
    destination: z.string(),
    key: z.string().min(1).max(1_024),
    etag: z.string().min(1).max(200),
    size: z.int().min(1),
    index: z
      .int()
      .min(0)
      .max(mostSlices - 1),
    start: z.int().min(0),
    end: z.int().min(1),
  })
  .refine(({ start, end, size }) => start < end && end <= size && end - start <= largestSlice, {
    message: 'a slice is a range of its object, of at most 100 MB',
  });
export type Slice = z.infer<typeof slice>;

/** Why an object or a slice can never be exported. */
export const parkingReasons = [
  'not-json',
  /** Neither a notification of S3 nor a slice. */
  'bad-schema',
  /** The key is not `exports/<destination>/<name>` of a destination that is known. */
  'unknown-destination',
  /** The names of its files would be longer than S3 takes. */
  'key-too-long',
  /** More than 2,000 slices: cut it, or raise the size of slices. */
  'object-too-large',
  /** The object was removed, or written anew, after it was cut. */
  'source-changed',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** A message of either queue. */
export const queueBatch = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      receiptHandle: z.string().default(''),
      body: z.string(),
      attributes: z
        .object({ ApproximateReceiveCount: z.coerce.number().int().min(1).default(1) })
        .default({ ApproximateReceiveCount: 1 }),
    }),
  ),
});
export type WorkMessage = z.infer<typeof queueBatch>['Records'][number];

const createdObject = z.object({
  s3: z.object({
    object: z.object({
      // S3 writes it as in the query of a URL.
      key: z.string().transform((key, context) => {
        try {
          return decodeURIComponent(key.replaceAll('+', ' '));
        } catch {
          context.addIssue('is not encoded as S3 does');
          return z.NEVER;
        }
      }),
      size: z.int().min(0),
      eTag: z.string().min(1).max(200),
      /** Of each put of a key another, of each notification of one put the same. */
      sequencer: z.string().max(200).default(''),
    }),
  }),
});

/** What S3 sends to a queue: objects that were created; once, when the notification is set up, a test event. */
export const objectNotification = z.union([
  z
    .object({ Records: z.array(createdObject).min(1).max(100) })
    .transform(({ Records }) => Records.map(({ s3 }) => s3.object)),
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => []),
]);
export type CreatedObject = z.infer<typeof createdObject>['s3']['object'];

/** What came of a job so far: a row of the work table. */
export interface Job {
  id: string;
  key: string;
  destination: string;
  slices: number;
  /** Slices that are delivered. */
  done: number;
  lines: number;
  rejected: number;
  bytesIn: number;
  bytesOut: number;
  /** Of the functions that did it, ms. */
  durationMs: number;
  /** Requests to S3 that write. */
  puts: number;
}
