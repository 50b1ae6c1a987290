import { z } from 'zod';
import {
  type Incident,
  idempotencyKey,
  incidentChange,
  incidentNumber,
  incidentQuery,
  newIncident,
} from './contract.ts';
import {
  createHttpApp,
  type HttpApp,
  type HttpContext,
  jsonBody,
  type OnFailure,
  parsePart,
  problemAnswer,
} from './http-app.ts';
import {
  answersQuery,
  changedRecord,
  correlationIdOf,
  type IncidentRecord,
  newRecord,
  pageQuery,
  toIncident,
} from './incident-record.ts';
import type { Failure, IncidentTable, Result } from './service-now.ts';

export interface MediateDeps {
  table: IncidentTable;
  /** 32 hexadecimal digits that name a request of a key: the same for the same two texts. */
  nameRequest(keyId: string, idempotencyKey: string): string;
  newId(): string;
  onFailure: OnFailure;
}

const pageCursor = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url').toString('utf8'))
  .pipe(incidentNumber);

/** `/v1/incidents`: JSON with the words of this API in front, the instance's table behind. */
export function createMediation(deps: MediateDeps): HttpApp {
  const { table, nameRequest, newId, onFailure } = deps;
  const app = createHttpApp(onFailure);

  app.get('/v1/incidents', async (c) => {
    const query = parsePart(c, incidentQuery.extend({ cursor: pageCursor.optional() }), c.req.query());
    if (!query.ok) return query.answer;
    const { limit, ...wanted } = query.value;
    const found = await table({
      ...{ method: 'GET', correlationId: c.var.correlationId },
      query: { encoded: pageQuery(wanted), limit: limit + 1 },
    });
    if (!found.ok) return failureAnswer(c, found);
    if (found.value.some((record) => !answersQuery(record, wanted))) {
      return failureAnswer(c, invalid('incidents that were not asked for: it ignores a part of the query'));
    }
    const page = incidentsOf(found.value.slice(0, limit));
    if (!page.ok) return failureAnswer(c, page);
    const last = found.value.length > limit ? page.value.at(-1) : undefined;
    return c.json({
      // LIKE also finds a metric or a rule of that name.
      incidents: page.value.filter(({ device }) => wanted.device === undefined || device === wanted.device),
      next: last === undefined ? null : Buffer.from(last.number).toString('base64url'),
    });
  });

  app.post('/v1/incidents', async (c) => {
    const body = parsePart(c, newIncident, await jsonBody(c));
    if (!body.ok) return body.answer;
    const headers = z.object({ 'idempotency-key': idempotencyKey.optional() });
    const header = parsePart(c, headers, { 'idempotency-key': c.req.header('idempotency-key') });
    if (!header.ok) return header.answer;
    const { 'idempotency-key': key } = header.value;
    const request = key === undefined ? newId() : nameRequest(c.env.keyId ?? '', key);
    const id = correlationIdOf(body.value, request);
    if (id === undefined) {
      const errors = [{ field: 'device', message: 'site and device have more than 62 characters together, encoded' }];
      return problemAnswer(c, 'invalid_request', { errors });
    }
    if (key !== undefined) {
      const known = await only(c, `correlation_id=${id}`, ({ correlation_id }) => correlation_id === id);
      if (known.ok) return incidentAnswer(c, known.value, 200);
      if (known.kind !== 'not_found') return failureAnswer(c, known);
    }
    const created = await table({
      ...{ method: 'POST', correlationId: c.var.correlationId },
      fields: newRecord(body.value, id),
    });
    return oneAnswer(c, created, 201);
  });

  app.get('/v1/incidents/:number', async (c) => {
    const number = parsePart(c, z.object({ number: incidentNumber }), c.req.param());
    if (!number.ok) return number.answer;
    const found = await byNumber(c, number.value.number);
    return found.ok ? incidentAnswer(c, found.value, 200) : failureAnswer(c, found);
  });

  app.patch('/v1/incidents/:number', async (c) => {
    const number = parsePart(c, z.object({ number: incidentNumber }), c.req.param());
    if (!number.ok) return number.answer;
    const body = parsePart(c, incidentChange, await jsonBody(c));
    if (!body.ok) return body.answer;
    const found = await byNumber(c, number.value.number);
    if (!found.ok) return failureAnswer(c, found);
    const changed = await table({
      ...{ method: 'PATCH', sysId: found.value.sys_id, correlationId: c.var.correlationId },
      fields: changedRecord(body.value),
    });
    return oneAnswer(c, changed, 200);
  });

  const byNumber = (c: HttpContext, number: string) =>
    only(c, `number=${number}`, (record) => record.number === number);

  /** The one row of a query. What comes back is compared, as an instance ignores what it does not understand. */
  async function only(
    c: HttpContext,
    encoded: string,
    fits: (record: IncidentRecord) => boolean,
  ): Promise<Result<IncidentRecord>> {
    const found = await table({
      ...{ method: 'GET', correlationId: c.var.correlationId },
      query: { encoded, limit: 1 },
    });
    if (!found.ok) return found;
    const [record] = found.value;
    if (record === undefined) return { ok: false, kind: 'not_found', detail: 'ServiceNow has no such incident.' };
    return fits(record) ? { ok: true, value: record } : invalid('an incident that was not asked for');
  }

  return app;
}

function oneAnswer(c: HttpContext, result: Result<IncidentRecord[]>, status: 200 | 201): Response {
  if (!result.ok) return failureAnswer(c, result);
  const [record] = result.value;
  return record === undefined ? failureAnswer(c, invalid('no incident')) : incidentAnswer(c, record, status);
}

function incidentAnswer(c: HttpContext, record: IncidentRecord, status: 200 | 201): Response {
  const incidents = incidentsOf([record]);
  if (!incidents.ok) return failureAnswer(c, incidents);
  const [incident] = incidents.value;
  if (status === 201) c.header('location', `incidents/${record.number}`);
  return c.json(incident, status);
}

function incidentsOf(records: readonly IncidentRecord[]): Result<Incident[]> {
  const incidents: Incident[] = [];
  for (const record of records) {
    const incident = toIncident(record);
    if (incident === undefined) return invalid(`${record.number} with values that no incident has`);
    incidents.push(incident);
  }
  return { ok: true, value: incidents };
}

function failureAnswer(c: HttpContext, { kind, detail, retryAfterSeconds }: Failure): Response {
  return problemAnswer(c, kind, { detail, retryAfterSeconds });
}

function invalid(what: string): Failure {
  return { ok: false, kind: 'upstream_invalid', detail: `ServiceNow sent ${what}.` };
}
