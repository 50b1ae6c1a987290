import { createHash } from 'node:crypto';
import { type ApiAnswer, type ApiRequest, empty, type Identity, json, refusals } from './api.ts';
import type { RecordStore } from './record-store.ts';
import type { Records } from './records.ts';
import type { ReadingLimits, TableApi } from './table-api.ts';
import { type Row, type Table, tables } from './tables.ts';

export interface AttachmentApiDeps {
  store: RecordStore;
  records: Records;
  tableApi: TableApi;
}

export type AttachmentApi = (
  request: ApiRequest,
  steps: readonly string[],
  identity: Identity,
  limits: ReadingLimits,
) => ApiAnswer;

/** The Attachment API: `steps` is what follows `/api/now/attachment` in the path. */
export function createAttachmentApi({ store, records, tableApi }: AttachmentApiDeps): AttachmentApi {
  return (request, steps, identity, limits) => {
    const table = tables.get('sys_attachment');
    if (table === undefined) return refusals.noSuchResource();
    const [first, second, ...rest] = steps;
    if (rest.length > 0) return refusals.noSuchResource();
    if (first === 'file' && second === undefined && request.method === 'POST') return upload(request, table, identity);
    if (second === 'file' && isRead(request)) return download(request, table, first ?? '', identity, limits);
    if (second !== undefined) return refusals.noSuchResource();
    if (isRead(request))
      return withDownloadLinks(
        request,
        tableApi(request, { table, sysId: first, version: undefined }, identity, limits),
      );
    if (first !== undefined && request.method === 'DELETE') return remove(table, first, identity);
    return refusals.methodNotAllowed(request.method);
  };

  function upload(request: ApiRequest, table: Table, identity: Identity): ApiAnswer {
    const { query } = request;
    for (const name of ['table_name', 'table_sys_id', 'file_name']) {
      if ((query.get(name) ?? '') === '') return refusals.missingParameter(name);
    }
    const parentTable = tables.get(query.get('table_name') ?? '');
    if (parentTable === undefined) return refusals.invalidTable(query.get('table_name') ?? '');
    if (store.get(parentTable, query.get('table_sys_id') ?? '') === undefined) return refusals.noRecord();
    if (!identity.roles.has('admin') && !identity.roles.has('itil')) return refusals.mayNotWrite('Insert');
    const row = store.atomically(() => {
      const added = records.add(
        table,
        {
          file_name: query.get('file_name') ?? '',
          content_type: request.headers.get('content-type') ?? 'application/octet-stream',
          table_name: parentTable.name,
          table_sys_id: query.get('table_sys_id') ?? '',
          size_bytes: String(request.body.length),
          size_compressed: String(request.body.length),
          hash: createHash('sha256').update(request.body).digest('hex'),
        },
        identity.userName,
      );
      store.setContent(added['sys_id'] ?? '', request.body);
      return added;
    });
    const location = `${request.baseUrl}/api/now/attachment/${row['sys_id']}`;
    return json(201, { result: { ...row, download_link: `${location}/file` } }, { Location: location });
  }

  function download(
    request: ApiRequest,
    table: Table,
    sysId: string,
    identity: Identity,
    limits: ReadingLimits,
  ): ApiAnswer {
    const found = tableApi(
      { ...request, query: new URLSearchParams() },
      { table, sysId, version: undefined },
      identity,
      limits,
    );
    if (found.status !== 200) return found;
    const row: Row | undefined = store.get(table, sysId);
    const bytes = store.content(sysId);
    if (row === undefined || bytes === undefined) return refusals.noRecord();
    const name = encodeURIComponent(row['file_name'] ?? '');
    return {
      status: 200,
      // A stored file never runs as a page of this server, whatever type it was given.
      headers: { 'Content-Disposition': `attachment; filename*=UTF-8''${name}`, 'X-Content-Type-Options': 'nosniff' },
      body: { kind: 'bytes', contentType: row['content_type'] ?? 'application/octet-stream', bytes },
    };
  }

  function remove(table: Table, sysId: string, identity: Identity): ApiAnswer {
    if (store.get(table, sysId) === undefined) return refusals.noRecord();
    if (!identity.roles.has('admin') && !identity.roles.has('itil')) return refusals.mayNotWrite('Delete');
    store.atomically(() => store.remove(table, sysId));
    return empty(204);
  }
}

const isRead = (request: ApiRequest) => request.method === 'GET' || request.method === 'HEAD';

/** Adds `download_link` to each record of an answer; the table itself does not store it. */
function withDownloadLinks(request: ApiRequest, answer: ApiAnswer): ApiAnswer {
  if (answer.status !== 200 || answer.body.kind !== 'json') return answer;
  const { value } = answer.body;
  if (typeof value !== 'object' || value === null || !('result' in value)) return answer;
  const linked = (row: unknown): unknown => {
    if (typeof row !== 'object' || row === null || !('sys_id' in row) || typeof row.sys_id !== 'string') return row;
    return { ...row, download_link: `${request.baseUrl}/api/now/attachment/${row.sys_id}/file` };
  };
  const result = Array.isArray(value.result) ? value.result.map(linked) : linked(value.result);
  return { ...answer, body: { kind: 'json', value: { result } } };
}
