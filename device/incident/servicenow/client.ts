import type { Config } from '../../config/schema.ts';
import type { IncidentDestination, IncidentRow } from '../destination.ts';
import { badConfiguration, type ConnectionDeps, connectServiceNow, type ServiceNowConnection } from './connection.ts';
import { fieldsOfChange, fieldsOfNew } from './fields.ts';
import { maxRequestBytes } from './http.ts';
import { checkedSysId, findOpenParameters, findParameters, withoutOtherCase, writeParameters } from './query.ts';
import { attachmentCreated, attachmentList, incidentAnswer, incidentListAnswer } from './schema.ts';

/** Longer addresses are refused on the way to some instances. */
const longestUrl = 8_000;
const attachmentLimit = 1_000;

/**
 * The incident table of a ServiceNow instance, over its Table API.
 * @param connection one that is shared with others; closed with this client
 * @throws AppError `bad-configuration` for a URL, table or field that cannot be, or an unreadable CA file.
 */
export function createServiceNow(
  config: Config['serviceNow'],
  deps: ConnectionDeps,
  connection: ServiceNowConnection = connectServiceNow(config, deps),
): IncidentDestination {
  checkNames(config);
  const tableUrl = `${connection.baseUrl}/api/now/table/${config.table}`;
  const attachmentUrl = `${connection.baseUrl}/api/now/attachment`;
  const { exchange, session } = connection;
  const { occurrenceField } = config;
  const oneIncident = incidentAnswer(occurrenceField);
  const manyIncidents = incidentListAnswer(occurrenceField);
  let fieldLossTold = false;

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
    deps.logger.warn(
      { field: occurrenceField, number: row.number },
      'the instance did not keep the occurrence in serviceNow.occurrenceField',
    );
  }

  return {
    instance: `${config.instanceName ?? connection.baseUrl}/${config.table}`,

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
        ({ correlationId, sysId }) =>
          correlationId.startsWith(query.prefix) ||
          query.sysIds.includes(sysId) ||
          !correlationId.toLowerCase().startsWith(folded),
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
    close: async () => connection.close(),
  };
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
