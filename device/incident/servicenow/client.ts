import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { AppError, messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Time } from '../../platform/time.ts';
import type { Secrets } from '../../secrets/secrets.ts';
import type { DestinationResult, IncidentDestination, IncidentRow } from '../destination.ts';
import { type Context, networkFailure, parseJson, refusal, unreadable } from './errors.ts';
import { fieldsOfChange, fieldsOfNew } from './fields.ts';
import { createHttp, type HttpRequest, maxRequestBytes } from './http.ts';
import { checkedSysId, findOpenParameters, findParameters, withoutOtherCase, writeParameters } from './query.ts';
import { attachmentCreated, attachmentList, incidentAnswer, incidentListAnswer } from './schema.ts';
import { createSession } from './session.ts';

export interface ServiceNowDeps {
  secrets: Secrets;
  logger: Logger;
  /** Real time: time-outs and lifetimes of tokens. */
  time: Time;
}

/** Longer addresses are refused on the way to some instances. */
const longestUrl = 8_000;
const attachmentLimit = 1_000;

/**
 * The incident table of a ServiceNow instance, over its Table API.
 * @throws AppError `bad-configuration` for a URL, table or field that cannot be, or an unreadable CA file.
 */
export function createServiceNow(config: Config['serviceNow'], deps: ServiceNowDeps): IncidentDestination {
  const { time, logger } = deps;
  const base = baseUrl(config.url);
  checkNames(config);
  const tableUrl = `${base}/api/now/table/${config.table}`;
  const attachmentUrl = `${base}/api/now/attachment`;
  const http = createHttp({
    timeoutMs: config.timeoutMs,
    maxResponseBytes: config.maxResponseBytes,
    ca: config.caFile === undefined ? undefined : readCa(config.caFile),
    time,
  });
  const session = createSession({
    secrets: deps.secrets,
    auth: config.auth,
    monotonicMs: () => time.monotonicMs(),
    context: () => ({
      what: 'login (oauth_token.do)',
      addressesRecord: false,
      wallMs: time.wallMs(),
      redacted: session.redacted,
    }),
    post: (form) =>
      http.send({
        method: 'POST',
        url: `${base}/oauth_token.do`,
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      }),
  });
  const { occurrenceField } = config;
  const oneIncident = incidentAnswer(occurrenceField);
  const manyIncidents = incidentListAnswer(occurrenceField);
  let fieldLossTold = false;

  async function exchange<T>(
    request: HttpRequest,
    about: { what: string; addressesRecord: boolean },
    schema: z.ZodType<T>,
  ): Promise<DestinationResult<T>> {
    const context: Context = { ...about, wallMs: time.wallMs(), redacted: session.redacted };
    const startedAtMs = time.monotonicMs();
    const outcome = await session.run((authorization) =>
      http.send({ ...request, headers: { accept: 'application/json', ...request.headers, authorization } }),
    );
    const result = 'ok' in outcome ? outcome : resultOf(outcome, context, schema);
    const ms = Math.round(time.monotonicMs() - startedAtMs);
    if (result.ok) {
      logger.debug({ request: about.what, ms }, 'servicenow answered');
      return result;
    }
    logger.debug({ request: about.what, ms, kind: result.kind, reason: result.message }, 'servicenow request failed');
    return result;
  }

  async function list(what: string, parameters: URLSearchParams, limit: number) {
    const request = { method: 'GET' as const, url: `${tableUrl}?${parameters}`, headers: {} };
    const found = await exchange(request, { what, addressesRecord: false }, manyIncidents);
    return found.ok ? { ok: true as const, value: { rows: found.value, complete: found.value.length < limit } } : found;
  }

  function write(method: 'POST' | 'PATCH', path: string, fields: Record<string, string>) {
    const request = {
      method,
      url: `${tableUrl}${path}?${writeParameters(occurrenceField)}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    };
    return exchange(request, { what: `${method} ${config.table}${path}`, addressesRecord: path !== '' }, oneIncident);
  }

  /** An instance ignores fields that it does not have: then look-ups by occurrence rest on the notes alone. */
  function tellFieldLoss(row: IncidentRow, openedBy: string): void {
    if (row.openedBy === openedBy || fieldLossTold) return;
    fieldLossTold = true;
    logger.warn(
      { field: occurrenceField, number: row.number },
      'the instance did not keep the occurrence in serviceNow.occurrenceField',
    );
  }

  return {
    instance: `${base}/${config.table}`,

    async find(query) {
      if (query.correlationIds.length + query.sysIds.length === 0)
        return { ok: true, value: { rows: [], complete: true } };
      const parameters = findParameters(query, occurrenceField);
      // Too long for one request: the caller asks again for fewer keys.
      if (query.correlationIds.length > 1 && tableUrl.length + parameters.toString().length > longestUrl) {
        return { ok: true, value: { rows: [], complete: false } };
      }
      const found = await list(`GET ${config.table} by key`, parameters, query.limit);
      if (!found.ok) return found;
      return { ok: true, value: { ...found.value, rows: withoutOtherCase(found.value.rows, query) } };
    },

    async findOpen(query) {
      const found = await list(`GET open ${config.table}`, findOpenParameters(query, occurrenceField), query.limit);
      if (!found.ok) return found;
      const folded = query.prefix.toLowerCase();
      const rows = found.value.rows.filter(
        ({ correlationId }) =>
          correlationId.startsWith(query.prefix) || !correlationId.toLowerCase().startsWith(folded),
      );
      return { ok: true, value: { ...found.value, rows } };
    },

    async create(incident) {
      const created = await write('POST', '', fieldsOfNew(incident, config));
      if (created.ok) tellFieldLoss(created.value, incident.openedBy);
      return created;
    },

    update: (sysId, change) => write('PATCH', `/${checkedSysId(sysId)}`, fieldsOfChange(change, config)),

    async attachmentNames(sysId) {
      const parameters = new URLSearchParams({
        sysparm_query: `table_name=${config.table}^table_sys_id=${checkedSysId(sysId)}^ORDERBYDESCsys_created_on`,
        sysparm_fields: 'file_name,table_sys_id',
        sysparm_limit: String(attachmentLimit),
      });
      const about = { what: `GET attachments of ${config.table}/${sysId}`, addressesRecord: false };
      const request = { method: 'GET' as const, url: `${attachmentUrl}?${parameters}`, headers: {} };
      const found = await exchange(request, about, attachmentList);
      if (!found.ok) return found;
      // Names of other records would stand here if the instance dropped the condition; they are not this one's.
      const own = found.value.result.filter((attachment) => attachment.table_sys_id === sysId);
      return { ok: true, value: own.map((attachment) => attachment.file_name) };
    },

    async attach(sysId, file) {
      if (file.bytes.length > maxRequestBytes) {
        const message = `${file.name} has ${file.bytes.length} bytes, more than the ${maxRequestBytes} that an instance takes.`;
        return { ok: false, kind: 'refused-record', message };
      }
      const parameters = new URLSearchParams({
        table_name: config.table,
        table_sys_id: checkedSysId(sysId),
        file_name: file.name,
      });
      const request = {
        method: 'POST' as const,
        url: `${attachmentUrl}/file?${parameters}`,
        headers: { 'content-type': file.contentType },
        body: file.bytes,
      };
      const about = { what: `POST attachment of ${config.table}/${sysId}`, addressesRecord: true };
      const attached = await exchange(request, about, attachmentCreated);
      return attached.ok ? { ok: true, value: undefined } : attached;
    },

    credentialsVersion: () => session.version(),
    reauthenticate: () => session.reload(),
    close: async () => http.close(),
  };
}

function resultOf<T>(
  outcome: Parameters<typeof refusal>[0] | Parameters<typeof networkFailure>[0],
  context: Context,
  schema: z.ZodType<T>,
): DestinationResult<T> {
  if (outcome.kind === 'failed') return networkFailure(outcome, context);
  const refused = refusal(outcome, context);
  if (refused !== undefined) return refused;
  const body = parseJson(outcome.body);
  if (body === undefined) return unreadable(context, 'it is no JSON');
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  return unreadable(context, issue === undefined ? 'unexpected content' : `${issue.path.join('.')} ${issue.message}`);
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw badConfiguration('serviceNow.url holds a user or password; put them into the secret instead.');
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw badConfiguration(
      'serviceNow.url is not the base URL of an instance; give one such as https://dev1.service-now.com.',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function checkNames({ table, occurrenceField, fields }: Config['serviceNow']): void {
  const names = [
    ['table', table],
    ['occurrenceField', occurrenceField],
    ...Object.keys(fields).map((name) => ['fields', name]),
  ];
  for (const [option, name = ''] of names) {
    if (!/^[a-z]\w*$/i.test(name)) {
      throw badConfiguration(
        `serviceNow.${option} names ${JSON.stringify(name)}; names are letters, digits and underscores.`,
      );
    }
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(
      'bad-configuration',
      `serviceNow.caFile: cannot read ${path}: ${messageOf(error)}. Give a readable PEM file.`,
      { cause: error },
    );
  }
}

const badConfiguration = (message: string) => new AppError('bad-configuration', message);
