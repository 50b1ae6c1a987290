import { z } from 'zod';

/** Name of a table or column: it becomes one of the catalogue, and a part of a key. */
const name = z.string().regex(/^[a-z][a-z0-9_]{0,127}$/);

/** A file of the current dump: gzip, a line a row, columns apart by tabs, in the order of the schema. */
const listedFile = z.object({
  url: z.url().describe('Signed; ends after some hours.'),
  table: name,
  filename: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/)
    .describe('Another one whenever its content is another.'),
});

/** `GET /api/account/self/file/sync` of Canvas Data: every file that makes up the tables of today. */
export const fileListSchema = z.object({
  incomplete: z.boolean().default(false).describe('Whether Canvas is not done with it: nothing is obsolete then.'),
  files: z.array(listedFile).max(100_000),
});
export type FileList = z.infer<typeof fileListSchema>;

/** `GET /api/schema/latest`: the tables by an internal name, and of each its columns. */
export const canvasSchema = z.object({
  version: z.string().max(64),
  schema: z.record(
    z.string(),
    z.object({
      tableName: name,
      columns: z.array(z.object({ name: z.string().max(128), type: z.string().max(64) })).min(1),
    }),
  ),
});
export type CanvasSchema = z.infer<typeof canvasSchema>;

/** What Canvas Data is asked with: a pair that signs each request, or a token. */
export const credentialsSchema = z.union([
  z.object({ api_key: z.string().min(1), api_secret: z.string().min(1) }),
  z.object({ token: z.string().min(1) }),
]);
export type Credentials = z.infer<typeof credentialsSchema>;

/** Columns of each table that may leave Canvas. All that is not named stays there. */
export type AllowedColumns = Readonly<Record<string, readonly string[]>>;

/** A file to fetch: an item of the map. */
export const fileToFetch = listedFile.extend({
  key: z.string(),
  sourceColumns: z.int().min(1).describe('Columns that each of its lines has.'),
  take: z
    .array(z.int().min(0).nullable())
    .describe('For each column of the table its place in the line; null where it is left empty.'),
});
export type FileToFetch = z.infer<typeof fileToFetch>;

const columnSchema = z.object({ name, type: z.string() });
export type Column = z.infer<typeof columnSchema>;

/** What a pull does, decided before anything is done, and written down beside the data. */
export const pullPlan = z.object({
  schemaVersion: z.string(),
  tables: z.array(
    z.object({ table: name, change: z.enum(['created', 'extended', 'same']), columns: z.array(columnSchema) }),
  ),
  fetch: z.array(z.string()).describe('Keys to be fetched.'),
  skipped: z.int().describe('Files that are there.'),
  obsolete: z.array(z.string()).describe('Keys that are in no table any more; deleted once all is fetched.'),
  refused: z
    .array(z.object({ table: z.string(), reason: z.string(), detail: z.string() }))
    .describe('Tables that stay as they are, as only additions are taken over.'),
  leftAtSource: z.record(z.string(), z.array(z.string())).describe('Columns that the allow-list does not name.'),
});
export type PullPlan = z.infer<typeof pullPlan>;

/** What came of it; the message of the post. */
export const pullSummary = z.object({
  total_files: z.int(),
  fetched_files: z.int(),
  skipped_files: z.int(),
  removed_files: z.int(),
  missing_files: z.array(z.string()),
  tables_created: z.array(z.string()),
  tables_updated: z.array(z.string()),
  refused_tables: pullPlan.shape.refused,
  columns_left_at_source: pullPlan.shape.leftAtSource,
});
export type PullSummary = z.infer<typeof pullSummary>;

/** A validation query's answer: rows that must not be. */
export const validation = z.object({ query: z.string(), rows: z.int() });
export type Validation = z.infer<typeof validation>;

/** Why a file can never be used. Its bytes stay at Canvas, as they have columns that may not leave it. */
export const parkingReasons = ['not-gzip', 'column-count', 'line-too-long', 'file-too-large'] as const;
export type ParkingReason = (typeof parkingReasons)[number];
