import { z } from 'zod';
import {
  type Incident,
  idempotencyKey,
  incidentChange,
  incidentNumber,
  incidentQuery,
  newIncident,
  type ProblemKind,
  plans,
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
  incidentRecord,
  newRecord,
  type PageEnd,
  pageQuery,
  toIncident,
} from './incident-record.ts';
import { nameRequest } from './request-name.ts';
import type { Failure, IncidentTable, Result } from './service-now.ts';

export interface MediateDeps {
  table: IncidentTable;
  /** 32 hexadecimal digits. */
  newId(): string;
  onFailure: OnFailure;
  /** Told of each request that ServiceNow or the way to it did not serve. */
  onUpstreamFailure(failure: UpstreamFailure): void;
}

/** For operators: what a caller is told in fewer words. */
export interface UpstreamFailure {
  kind: ProblemKind;
  correlationId: string;
  detail: string;
  cause?: string | undefined;
}

const pageCursor = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url').toString('utf8').split(','))
  .pipe(z.tuple([incidentRecord.shape.sys_created_on, incidentNumber]))
  .transform(([createdOn, number]): PageEnd => ({ createdOn, number }));

function cursorOf({ sys_created_on, number }: IncidentRecord): string {
  return Buffer.from(`${sys_created_on},${number}`).toString('base64url');
}

/** `/v1/incidents`: JSON with the words of this API in front, the instance's table behind. */
export function createMediation(deps: MediateDeps): HttpApp {
  const { table, newId, onFailure, onUpstreamFailure } = deps;
  const app = createHttpApp(onFailure);

  app.on(['POST', 'PATCH'], '/v1/*', async (c, next) => {
    const { plan } = c.env;
    if (plan !== undefined && plans[plan].mayWrite) return next();
    return problemAnswer(c, 'forbidden', {
      detail: 'A key of this plan reads only. Use one of the plan partner: ask the operators to be let in to it.',
    });
  });

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
    const last = found.value.length > limit ? found.value[limit - 1] : undefined;
    return c.json({
      // LIKE also finds a metric or a rule of that name.
      incidents: page.value.filter(({ device }) => wanted.device === undefined || device === wanted.device),
      next: last === undefined ? null : cursorOf(last),
    });
  });

  app.post('/v1/incidents', async (c) => {
    const body = parsePart(c, newIncident, await jsonBody(c));
    if (!body.ok) return body.answer;
    const headers = z.object({ 'idempotency-key': idempotencyKey.optional() });
    const header = parsePart(c, headers, { 'idempotency-key': c.req.header('idempotency-key') });
    if (!header.ok) return header.answer;
    const { 'idempotency-key': key } = header.value;
    const name = key === undefined ? undefined : nameRequest(c.env.keyId ?? '', key, body.value);
    const id = correlationIdOf(body.value, name?.whole ?? newId());
    if (id === undefined) {
      const errors = [{ field: 'device', message: 'site and device have more than 62 characters together, encoded' }];
      return problemAnswer(c, 'invalid_request', { errors });
    }
    if (name !== undefined) {
      // By the key alone: a row that was asked for with other words, or for another device, is found too.
      const mark = `/api/${name.ofKey}`;
      const known = await only(c, `correlation_idLIKE${mark}`, (record) => record.correlation_id.includes(mark));
      if (known.ok && known.value.correlation_id === id) return incidentAnswer(c, known.value, 200);
      if (known.ok) {
        const detail = `It has opened ${known.value.number}, by a request with another body. Send a new key.`;
        return problemAnswer(c, 'idempotency_key_reused', { detail });
      }
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

  function failureAnswer(c: HttpContext, { kind, detail, retryAfterSeconds, cause }: Failure): Response {
    if (kind !== 'not_found') onUpstreamFailure({ kind, correlationId: c.var.correlationId, detail, cause });
    return problemAnswer(c, kind, { detail, retryAfterSeconds });
  }

  return app;
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

function invalid(what: string): Failure {
  return { ok: false, kind: 'upstream_invalid', detail: `ServiceNow sent ${what}.` };
}
