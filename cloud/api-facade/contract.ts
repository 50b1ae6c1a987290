import { z } from 'zod';
import { namePart } from '../../device/reading/reading.ts';

/** States of an incident, in the words of this API, and the codes of ServiceNow. */
export const stateCodes = {
  new: '1',
  'in-progress': '2',
  'on-hold': '3',
  resolved: '6',
  closed: '7',
  canceled: '8',
} as const;
export const incidentState = z.enum(['new', 'in-progress', 'on-hold', 'resolved', 'closed', 'canceled']);
export type IncidentState = z.infer<typeof incidentState>;

const level = z.int().min(1).max(3);
const instant = z.iso.datetime().describe('ISO 8601, UTC.');
const cursor = z.string().max(200).describe('`next` of the page before.');
const limit = z.coerce.number().int().min(1).max(100).default(20).describe('Entries a page.');

export const incident = z.object({
  number: z.string().describe('Number in ServiceNow: INC0010001.'),
  state: incidentState,
  shortDescription: z.string(),
  description: z.string().nullable(),
  site: z.string().nullable().describe('Where the device stands; null where the incident names no device.'),
  device: z.string().nullable(),
  impact: level.describe('1 high, 3 low.'),
  urgency: level.describe('1 high, 3 low.'),
  priority: z.int().min(1).max(5).describe('1 critical, 5 planning; ServiceNow computes it from impact and urgency.'),
  openedAt: instant,
  updatedAt: instant,
});
export type Incident = z.infer<typeof incident>;

export const incidentPage = z.object({
  incidents: z.array(incident).describe('Newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null on the last one.'),
});

export const incidentQuery = z.object({
  state: incidentState.optional(),
  device: namePart.optional().describe('Id of the device that the incident is about.'),
  limit,
  cursor: cursor.optional(),
});
export type IncidentQuery = z.infer<typeof incidentQuery>;

export const incidentNumber = z
  .string()
  .regex(/^INC\d{7,12}$/)
  .describe('INC and at least seven digits.');

export const newIncident = z.object({
  site: namePart.describe('Where the device stands.'),
  device: namePart.describe('Device that the incident is about.'),
  shortDescription: z.string().trim().min(1).max(160),
  description: z.string().max(4_000).optional(),
  impact: level.default(3),
  urgency: level.default(3),
});
export type NewIncident = z.infer<typeof newIncident>;

/** Repeating a POST with the same key opens nothing new; with another body it is refused. */
export const idempotencyKey = z
  .string()
  .regex(/^[\w.:-]{1,64}$/)
  .describe(
    'Your own name of the request, such as a UUID; repeated, nothing is opened twice, and with another body it is 409.',
  );

/** Names one exchange in the logs of both sides; made up where the caller gives none. */
export const correlationId = z
  .string()
  .regex(/^[\w.:-]{1,64}$/)
  .describe('Your name of this exchange; it is in the answer, in our logs, and in the request to ServiceNow.');

export const incidentChange = z
  .object({
    workNote: z.string().trim().min(1).max(4_000).optional(),
    state: incidentState.optional(),
    closeCode: z.string().trim().min(1).max(40).optional().describe('As the instance lists them: Solution provided.'),
    closeNotes: z.string().trim().min(1).max(4_000).optional(),
  })
  .refine(({ workNote, state }) => workNote !== undefined || state !== undefined, 'needs workNote or state')
  .refine(
    ({ state, closeCode, closeNotes }) =>
      (state !== 'resolved' && state !== 'closed') || (closeCode !== undefined && closeNotes !== undefined),
    'resolved and closed need closeCode and closeNotes',
  );
export type IncidentChange = z.infer<typeof incidentChange>;

export const reading = z.object({
  at: instant.describe('Instant of the sample, ISO 8601 UTC.'),
  metrics: z.record(z.string(), z.number()).describe('Values by metric: temperature °C, humidity %RH, pressure hPa.'),
  site: z.string().nullable(),
});

export const readingPage = z.object({
  readings: z.array(reading).describe('Oldest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null on the last one.'),
});

export const readingQuery = z
  .object({
    from: z.iso.datetime({ offset: true }).describe('First instant, ISO 8601.'),
    to: z.iso.datetime({ offset: true }).describe('Last instant, ISO 8601.'),
    limit,
    cursor: cursor.optional(),
  })
  .refine(({ from, to }) => !(Date.parse(from) > Date.parse(to)), { path: ['to'], message: 'is before from' });

/** Plans, and what each lets a key do. `partner` is for members of the user pool's group of that name. */
export const plans = {
  free: { requestsPerSecond: 10, burst: 20, requestsPerMonth: 10_000, mayWrite: false },
  partner: { requestsPerSecond: 50, burst: 100, requestsPerMonth: 1_000_000, mayWrite: true },
} as const;
export const planName = z.enum(['free', 'partner']);
export type PlanName = z.infer<typeof planName>;

/** Tags of the keys that the facade makes in API Gateway, by which it may delete them and no others. */
export const keyTags = { room: 'api-facade' } as const;

/** Keys that one account of the portal may hold at a time. */
export const keysAnAccount = 5;
/** A place for a key in an account; the keys that follow each other in it share the count of a month. */
export const slot = z.string().regex(/^[1-5]$/);
export const keyId = z
  .string()
  .regex(/^[1-5]-[0-9a-f]{12}$/)
  .describe('Names one key: its place in the account, 1 to 5, and the start of its SHA-256.');

export const newKey = z.object({
  plan: planName.default('free'),
  label: z.string().trim().min(1).max(60).default('unnamed').describe('What the key is for.'),
});

export const keyEntry = z.object({
  id: keyId,
  plan: planName,
  label: z.string(),
  createdAt: instant,
  revokedAt: instant.nullable(),
});
export type KeyEntry = z.infer<typeof keyEntry>;

export const issuedKey = keyEntry.extend({
  key: z.string().describe('Goes into the header x-api-key. It is shown this once; only its SHA-256 is kept.'),
});
export const keyList = z.object({ keys: z.array(keyEntry) });

export const keyUsage = z.object({
  month: z.string().describe('Calendar month, UTC: 2026-11.'),
  requests: z.int().describe('Requests that the key was presented with, refused ones too.'),
  requestsPerMonth: z.int().describe('What the plan allows.'),
});

/** Why a request was not served: the last part of a problem's `type`. */
export const problems = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  not_signed_in: { status: 401, title: 'Not signed in' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  too_many_keys: { status: 409, title: 'No more keys for this account' },
  idempotency_key_reused: { status: 409, title: 'The Idempotency-Key belongs to another request' },
  too_large: { status: 413, title: 'The request is too large' },
  refused_by_instance: { status: 422, title: 'ServiceNow refuses this' },
  limit_exceeded: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The facade failed' },
  upstream_auth: { status: 502, title: 'ServiceNow does not accept the credentials of the facade' },
  upstream_invalid: { status: 502, title: 'ServiceNow answered something that it should not' },
  upstream_unreachable: { status: 502, title: 'ServiceNow cannot be reached' },
  upstream_busy: { status: 503, title: 'ServiceNow does not serve requests now' },
  upstream_timeout: { status: 504, title: 'ServiceNow did not answer in time' },
} as const;
export type ProblemKind = keyof typeof problems;

/** RFC 9457. */
export const problem = z.object({
  type: z.string().describe('`urn:greengrass-itsm:` and a word to branch on.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional().describe('What to do about it.'),
  correlationId: z.string().describe('Also in the header x-correlation-id; name it when you ask for help.'),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .optional()
    .describe('What is wrong with the request, field by field.'),
});
export type Problem = z.infer<typeof problem>;
