import { z } from 'zod';

/** Columns of `processed_taxi_data` in the order of its files; beside them the folder `day=YYYY-MM-DD` of the pick-up. */
export const rideColumns = {
  vendor_id: 'int',
  picked_up_at: 'timestamp',
  dropped_off_at: 'timestamp',
  passengers: 'int',
  distance_miles: 'double',
  pickup_zone: 'int',
  dropoff_zone: 'int',
  payment_type: 'int',
  fare_usd: 'double',
  tip_usd: 'double',
  total_usd: 'double',
} as const;

/** First day that the table has: that of the first record which the city published. */
export const firstDay = '2009-01-01';

/** Where raw files are put, and where their rows and manifests go. */
export const prefixes = {
  raw: 'raw/',
  rides: 'processed_taxi_data/',
  manifests: 'manifests/',
  rejects: 'rejects/',
} as const;

/** Source and detail-type of what Glue tells EventBridge. The local account tells nothing, and a test tells it under another source. */
export const glueSource = { aws: 'aws.glue', local: 'greengrass-itsm.glue' } as const;
export const jobStateChange = 'Glue Job State Change';

/** A run of a job that has ended well. */
export const jobEndedEvent = z.object({
  'detail-type': z.literal(jobStateChange),
  /** To the second. */
  time: z.iso.datetime(),
  detail: z.object({
    jobName: z.string().min(1).max(255),
    jobRunId: z.string().min(1).max(255),
    state: z.literal('SUCCEEDED'),
  }),
});

export type JobEnded = z.infer<typeof jobEndedEvent>;

/** QuickSight's own pattern for the ids of data sets and ingestions, but for the length. */
const id = z.string().regex(/^[\w-]+$/);

/** What a data set needs to be refreshed after a job. */
const dataSet = z.object({
  dataSetId: id.max(512),
  ingestionType: z.enum(['FULL_REFRESH', 'INCREMENTAL_REFRESH']).default('FULL_REFRESH'),
  /** At least so long lies between two refreshes. */
  minIntervalMinutes: z.number().min(0).max(1_440).default(0),
});
export type DataSet = z.infer<typeof dataSet>;

/** A row of the map: the data sets that a job's end makes stale. Written by people. */
export const mapRow = z.object({ jobName: z.string(), dataSets: z.array(dataSet).min(1).max(50) });

/** A wish that one data set be refreshed, so that it has what a run has written: it waits in the queue until it may. */
export const refreshRequest = z.object({
  kind: z.literal('refresh'),
  jobRunId: z.string().min(1).max(255),
  /** When the run had ended at the latest, epoch ms. */
  endedMs: z.int(),
  dataSet,
});
export type RefreshRequest = z.infer<typeof refreshRequest>;

/** What the job writes last, when all of its files are there. In = out + rejected. */
export const manifest = z.object({
  rawKey: z.string(),
  rowsIn: z.int().min(0),
  rowsOut: z.int().min(0),
  rowsRejected: z.int().min(0),
  files: z.array(z.string()),
});

/** Why a message can never be used. */
export const parkingReasons = [
  /** Not JSON. */
  'not-json',
  /** Neither a notification of S3, nor the end of a job, nor a request. */
  'bad-schema',
  /** The row of the map does not fit its schema. */
  'bad-map-row',
  /** The job says that it succeeded, and has not written its manifest. */
  'no-output',
  /** QuickSight does not know the data set, or refuses what was asked of it. */
  'refused',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];

/** The argument that names the raw object, of the job and of its runs. */
export const rawKeyArgument = '--raw_key';

const created = z.object({
  s3: z.object({
    object: z.object({
      // S3 writes it as in the query of a URL.
      key: z.string().transform((key, context) => {
        try {
          return decodeURIComponent(key.replaceAll('+', ' '));
        } catch {
          context.addIssue({ code: 'custom', message: 'is no name as S3 writes it: a % is not followed by a byte' });
          return z.NEVER;
        }
      }),
      size: z.int().min(0),
    }),
  }),
});

/** What S3 sends to a queue: objects that were created; once, when the notification is set up, a test event. */
export const objectNotification = z.union([
  z.object({ Records: z.array(created).min(1) }).transform(({ Records }) => Records.map(({ s3 }) => s3.object)),
  z.object({ Event: z.literal('s3:TestEvent') }).transform(() => []),
]);

/** What Lambda sends for a batch of a queue. */
export const sqsEvent = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });
