import { z } from 'zod';

/** A job as the database of the recruiting agency has it; other columns may stand beside these. */
export const jobRow = z.object({
  category: z.string().max(200),
  employer: z.string().max(200),
  description: z.string().max(20_000),
  requirements: z.string().max(20_000),
  annual_salary: z.number(),
});
export type JobRow = z.infer<typeof jobRow>;

const changeFields = {
  table: z.string().describe('Table that changed.'),
  key: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .describe('Primary key of the row.'),
  lsn: z
    .string()
    .regex(/^\d{1,20}$/)
    .describe('Place in the log of the database: grows with each change of any row.'),
  ts: z.iso.datetime().describe('When it was committed.'),
};

/** What change data capture says of one row. Images of other tables may hold anything. */
export const changeRecord = z.discriminatedUnion('op', [
  z.object({ ...changeFields, op: z.literal('INSERT'), before: z.null(), after: z.unknown() }),
  z.object({ ...changeFields, op: z.literal('UPDATE'), before: z.unknown(), after: z.unknown() }),
  z.object({ ...changeFields, op: z.literal('DELETE'), before: z.unknown(), after: z.null() }),
]);
export type ChangeRecord = z.infer<typeof changeRecord>;

const eventFields = {
  id: z.string().min(1).max(100).describe('`<lsn>-<eventType>`: the same however often it is published.'),
  jobId: z.string().min(1).max(64),
  eventCreated: z.iso.datetime().describe('When the change was committed.'),
  eventSource: z.literal('anti-corruption-service'),
  eventSequence: z
    .string()
    .regex(/^\d{2,21}$/)
    .describe('Grows with each event of a job: the lsn, and one digit for several events of one change.'),
};
const event = <T extends string, D extends z.ZodType>(eventType: T, eventDetails: D) =>
  z.object({ ...eventFields, eventType: z.literal(eventType), eventDetails });

/** Types that the inventory is interested in. */
export const inventoryEventTypes = ['JobCreated', 'JobDeleted'] as const;

/** What happened to a job, in the words of the post (`anualSalary` is its spelling). */
export const jobEvent = z.discriminatedUnion('eventType', [
  event(
    'JobCreated',
    z.object({
      jobCategory: z.string(),
      employer: z.string(),
      jobDescription: z.string(),
      jobRequirements: z.string(),
      anualSalary: z.number(),
    }),
  ),
  event('JobDescriptionUpdated', z.object({ jobDescription: z.string() })),
  event('JobRequirementsUpdated', z.object({ jobRequirements: z.string() })),
  event('JobSalaryUpdated', z.object({ anualSalary: z.number() })),
  event('JobDeleted', z.object({ reason: z.string() })),
]);
export type JobEvent = z.infer<typeof jobEvent>;
