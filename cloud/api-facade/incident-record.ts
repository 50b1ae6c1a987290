import { z } from 'zod';
import {
  type Incident,
  type IncidentChange,
  type IncidentQuery,
  type IncidentState,
  incident,
  type NewIncident,
  stateCodes,
} from './contract.ts';

/** An empty element, an absent one and null all say the same. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const code = z.union([z.string(), z.number()]).transform(Number);

/** What the facade asks of a row of ServiceNow's table `incident`, as values, not as labels. */
export const incidentRecord = z.object({
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
  number: z.string().min(1),
  state: z.union([z.string(), z.number()]).transform(String),
  short_description: text,
  description: text,
  correlation_id: text,
  impact: code,
  urgency: code,
  priority: code,
  opened_at: z.string(),
  sys_created_on: z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
  sys_updated_on: z.string(),
});
export type IncidentRecord = z.infer<typeof incidentRecord>;

/** For `sysparm_fields`. */
export const recordFields = Object.keys(incidentRecord.shape);

/** Undefined where the row holds what no incident of this API can: another state, a date that is none. */
export function toIncident(record: IncidentRecord): Incident | undefined {
  const parsed = incident.safeParse({
    number: record.number,
    state: stateOf(record.state),
    shortDescription: record.short_description,
    description: record.description === '' ? null : record.description,
    ...deviceOf(record.correlation_id),
    impact: record.impact,
    urgency: record.urgency,
    priority: record.priority,
    openedAt: instantOf(record.opened_at),
    updatedAt: instantOf(record.sys_updated_on),
  });
  return parsed.data;
}

function stateOf(value: string): IncidentState | undefined {
  for (const [state, own] of Object.entries(stateCodes)) {
    if (own === value) return incident.shape.state.parse(state);
  }
  return undefined;
}

/** `yyyy-MM-dd HH:mm:ss` UTC as ISO 8601. */
function instantOf(value: string): string | undefined {
  const found = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(value);
  return found === null ? undefined : `${found[1]}T${found[2]}Z`;
}

/**
 * Site and device of a `correlation_id` as the handler writes it: `site/device/metric/rule`, percent-encoded; a long one
 * is cut after 67 characters, and its device may be cut with it.
 */
export function deviceOf(correlationId: string): { site: string | null; device: string | null } {
  const [site, device, rest] = correlationId.split('/', 3);
  if (site === undefined || device === undefined || rest === undefined) return { site: null, device: null };
  try {
    return { site: decodeURIComponent(site), device: decodeURIComponent(device) };
  } catch {
    return { site: null, device: null };
  }
}

/**
 * The `correlation_id` of an incident that is opened here, in the form of the handler's keys, so that both are found by
 * their device. ServiceNow cuts it after 100 characters without an error.
 * @param request names the request: 32 hexadecimal digits.
 * @returns undefined where site and device are too long for it.
 */
export function correlationIdOf({ site, device }: NewIncident, request: string): string | undefined {
  const id = `${encodeURIComponent(site)}/${encodeURIComponent(device)}/api/${request}`;
  return id.length <= 100 ? id : undefined;
}

/** Fields of a new row. */
export function newRecord(wanted: NewIncident, correlationId: string): Record<string, string> {
  return {
    short_description: wanted.shortDescription,
    description: wanted.description ?? '',
    impact: String(wanted.impact),
    urgency: String(wanted.urgency),
    correlation_id: correlationId,
    contact_type: 'self-service',
  };
}

/** Fields of a change. */
export function changedRecord({ workNote, state, closeCode, closeNotes }: IncidentChange): Record<string, string> {
  return {
    ...(workNote === undefined ? {} : { work_notes: workNote }),
    ...(state === undefined ? {} : { state: stateCodes[state] }),
    ...(closeCode === undefined ? {} : { close_code: closeCode }),
    ...(closeNotes === undefined ? {} : { close_notes: closeNotes }),
  };
}

/** Where a page ends: instant of creation as ServiceNow writes it, and number within that second. */
export interface PageEnd {
  createdOn: string;
  number: string;
}

export type PageFilter = Pick<IncidentQuery, 'state' | 'device'> & { cursor?: PageEnd | undefined };

/**
 * The encoded query of a page. Pages are cut by the instant of creation, and within a second by number: neither changes,
 * so what is opened meanwhile moves nothing. Not by number alone, which is text: INC10000000 sorts before INC9999999.
 * `^OR` binds to the condition before it. One row more than asked for says whether there is a next page.
 */
export function pageQuery({ state, device, cursor }: PageFilter): string {
  return [
    ...(state === undefined ? [] : [`state=${stateCodes[state]}`]),
    ...(device === undefined ? [] : [`correlation_idLIKE${deviceMark(device)}`]),
    ...(cursor === undefined
      ? []
      : [`sys_created_on<=${cursor.createdOn}`, `sys_created_on<${cursor.createdOn}`, `ORnumber<${cursor.number}`]),
    'ORDERBYDESCsys_created_on',
    'ORDERBYDESCnumber',
  ].join('^');
}

/** How a device stands in a `correlation_id`. Percent-encoded, it holds no `^`. */
function deviceMark(device: string): string {
  return `/${encodeURIComponent(device)}/`;
}

/** Whether a row can be an answer to the query: an instance ignores a part of a query that it does not understand. */
export function answersQuery(record: IncidentRecord, { state, device, cursor }: PageFilter): boolean {
  return (
    (state === undefined || record.state === stateCodes[state]) &&
    // LIKE knows no case.
    (device === undefined || record.correlation_id.toLowerCase().includes(deviceMark(device).toLowerCase())) &&
    (cursor === undefined ||
      record.sys_created_on < cursor.createdOn ||
      (record.sys_created_on === cursor.createdOn && record.number < cursor.number))
  );
}
