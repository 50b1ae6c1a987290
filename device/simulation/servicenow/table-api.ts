import { type ApiAnswer, type ApiRequest, empty, type Identity, json, refusals } from './api.ts';
import type { Choices } from './choices.ts';
import { type Condition, type EncodedQuery, parseEncodedQuery } from './encoded-query.ts';
import { paginationLinks } from './pagination.ts';
import { readPayload } from './payload.ts';
import { type CompiledQuery, compileQuery } from './query-sql.ts';
import type { RecordStore } from './record-store.ts';
import type { Records } from './records.ts';
import { createRenderer } from './render.ts';
import type { Row, Table } from './tables.ts';

export interface TableApiDeps {
  store: RecordStore;
  records: Records;
  choices: Choices;
  /** `glide.invalid_query.returns_no_rows`, which may change at any time. */
  invalidQueryReturnsNoRows(): boolean;
}

/** What a fault takes away from a reading request. */
export interface ReadingLimits {
  /** Look-ups show nothing, as for a user who may create and not read. */
  invisible: boolean;
  /** Conditions on these fields are dropped from the query (`*`: on every field). */
  droppedFields: readonly string[];
}

interface TableTarget {
  table: Table;
  sysId: string | undefined;
  version: 'v1' | 'v2' | undefined;
}

export type TableApi = (
  request: ApiRequest,
  target: TableTarget,
  identity: Identity,
  limits: ReadingLimits,
) => ApiAnswer;

const longestPage = 10_000;

/** The Table API, each request one synchronous step. */
export function createTableApi(deps: TableApiDeps): TableApi {
  const { store, records, choices } = deps;

  return (request, target, identity, limits) => {
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return target.sysId === undefined
          ? list(request, target, identity, limits)
          : read(request, target, target.sysId, identity, limits);
      case 'POST':
        return target.sysId === undefined ? create(request, target, identity) : refusals.methodNotAllowed('POST');
      case 'PUT':
      case 'PATCH':
        return target.sysId === undefined
          ? refusals.methodNotAllowed(request.method)
          : update(request, target, target.sysId, identity);
      case 'DELETE':
        return target.sysId === undefined
          ? refusals.methodNotAllowed('DELETE')
          : remove(target.table, target.sysId, identity);
      default:
        return refusals.methodNotAllowed(request.method);
    }
  };

  function list(
    request: ApiRequest,
    { table, version }: TableTarget,
    identity: Identity,
    limits: ReadingLimits,
  ): ApiAnswer {
    if (identity.roles.size === 0) return refusals.mayNotQuery();
    const { query } = request;
    const limit = Math.min(wholeNumber(query.get('sysparm_limit')) ?? longestPage, longestPage);
    const offset = wholeNumber(query.get('sysparm_offset')) ?? 0;
    const visible = maySee(identity) && !limits.invisible;
    const compiled = compiledQuery(table, query, limits);
    const rows = visible ? store.select(table, compiled, { limit, offset }) : [];
    const headers: Record<string, string> = {};
    if (query.get('sysparm_no_count') !== 'true') {
      const total = visible ? store.count(table, compiled) : 0;
      headers['X-Total-Count'] = String(total);
      if (query.get('sysparm_suppress_pagination_header') !== 'true') {
        headers['Link'] = paginationLinks(new URL(`${request.baseUrl}${request.path}?${query}`), {
          limit,
          offset,
          total,
        });
      }
    }
    if (rows.length === 0 && version === 'v1') return { ...refusals.noRecord(), headers };
    const render = renderer(request);
    return json(200, { result: rows.map((row) => render(table, row)) }, headers);
  }

  function compiledQuery(table: Table, query: URLSearchParams, limits: ReadingLimits): CompiledQuery {
    const encoded = withoutFields(parseEncodedQuery(clean(query.get('sysparm_query') ?? '')), limits.droppedFields);
    const options = { invalidQueryReturnsNoRows: deps.invalidQueryReturnsNoRows(), choiceValue: choices.value };
    const compiled = compileQuery(encoded, table, options);
    const filters = [...query].filter(
      ([name]) => !name.startsWith('sysparm_') && table.fields.has(name.split('.')[0] ?? ''),
    );
    if (filters.length === 0) return compiled;
    const conditions = filters.map(([field, value]): Condition[] => [
      { kind: 'compare', field, operator: '=', value: clean(value) },
    ]);
    const beside = compileQuery({ groups: [conditions], orderBy: [] }, table, options);
    return {
      where: `(${compiled.where}) AND (${beside.where})`,
      orderBy: compiled.orderBy,
      values: [...compiled.values, ...beside.values],
    };
  }

  function read(
    request: ApiRequest,
    { table }: TableTarget,
    sysId: string,
    identity: Identity,
    limits: ReadingLimits,
  ): ApiAnswer {
    if (identity.roles.size === 0) return refusals.mayNotQuery();
    const row = maySee(identity) && !limits.invisible ? store.get(table, sysId) : undefined;
    return row === undefined ? refusals.noRecord() : json(200, { result: renderer(request)(table, row) });
  }

  function create(request: ApiRequest, { table }: TableTarget, identity: Identity): ApiAnswer {
    if (!mayWrite(identity, table) && !(identity.roles.has('incident_creator') && table.name === 'incident')) {
      return refusals.mayNotWrite('Insert');
    }
    const input = readPayload(request);
    if (!input.ok) return input.answer;
    const written = records.create(table, input.fields, writeContext(request, identity));
    if (!written.ok) return refusals.dataPolicy([written.mandatory]);
    return answerWritten(request, table, written.row, 201);
  }

  function update(request: ApiRequest, { table }: TableTarget, sysId: string, identity: Identity): ApiAnswer {
    const before = maySee(identity) ? store.get(table, sysId) : undefined;
    if (before === undefined) return refusals.noRecord();
    if (!mayWrite(identity, table)) return refusals.mayNotWrite('Update');
    const input = readPayload(request);
    if (!input.ok) return input.answer;
    const written = records.update(table, before, input.fields, writeContext(request, identity));
    if (!written.ok) return refusals.dataPolicy([written.mandatory]);
    return answerWritten(request, table, written.row, 200);
  }

  function answerWritten(request: ApiRequest, table: Table, row: Row, status: 200 | 201): ApiAnswer {
    if (table.name === 'sys_choice') choices.forget();
    const headers: Record<string, string> =
      status === 201 ? { Location: `${request.baseUrl}/api/now/table/${table.name}/${row['sys_id']}` } : {};
    if (request.headers.get('x-no-response-body') === 'true') return empty(status, headers);
    return json(status, { result: renderer(request)(table, row) }, headers);
  }

  function remove(table: Table, sysId: string, identity: Identity): ApiAnswer {
    if (!maySee(identity) || store.get(table, sysId) === undefined) return refusals.noRecord();
    if (!identity.roles.has('admin') || table.writtenBy === 'instance') return refusals.mayNotWrite('Delete');
    store.atomically(() => store.remove(table, sysId));
    if (table.name === 'sys_choice') choices.forget();
    return empty(204);
  }

  function renderer(request: ApiRequest) {
    const { query, baseUrl } = request;
    const display = query.get('sysparm_display_value');
    const fields = query.get('sysparm_fields');
    return createRenderer(store, choices, {
      display: display === 'true' || display === 'all' ? display : 'false',
      fields: fields === null || fields === '' ? undefined : fields.split(',').map((field) => field.trim()),
      excludeReferenceLink: query.get('sysparm_exclude_reference_link') === 'true',
      tableUrl: `${baseUrl}/api/now/table`,
    });
  }
}

const maySee = (identity: Identity) =>
  identity.roles.has('admin') || identity.roles.has('itil') || identity.roles.has('reader');

const mayWrite = (identity: Identity, table: Table) =>
  table.writtenBy === 'clients' &&
  (identity.roles.has('admin') || (identity.roles.has('itil') && table.name === 'incident'));

const writeContext = (request: ApiRequest, identity: Identity) => ({
  userName: identity.userName,
  userSysId: identity.sysId,
  inputIsDisplayValue: request.query.get('sysparm_input_display_value') === 'true',
});

function withoutFields(query: EncodedQuery, dropped: readonly string[]): EncodedQuery {
  if (dropped.length === 0) return query;
  const stays = (condition: Condition) =>
    condition.kind === 'invalid' || !(dropped.includes('*') || dropped.includes(condition.field));
  return {
    ...query,
    groups: query.groups.map((clauses) =>
      clauses.map((alternatives) => alternatives.filter(stays)).filter((alternatives) => alternatives.length > 0),
    ),
  };
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** SQLite ends a text at NUL. */
const clean = (text: string) => text.replaceAll('\u0000', '');
