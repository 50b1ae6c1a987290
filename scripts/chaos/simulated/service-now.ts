import type { Http, HttpOutcome, HttpRequest } from '../../../device/incident/servicenow/http.ts';
import type { ManualTime } from '../../../device/platform/time.ts';
import {
  type ApiAnswer,
  type ApiRequest,
  type Identity,
  json,
  refusals,
} from '../../../device/simulation/servicenow/api.ts';
import { createAttachmentApi } from '../../../device/simulation/servicenow/attachment-api.ts';
import { createChoices } from '../../../device/simulation/servicenow/choices.ts';
import { planFaults } from '../../../device/simulation/servicenow/fault-plan.ts';
import { createFaults, type FaultControl } from '../../../device/simulation/servicenow/faults.ts';
import { createRecords } from '../../../device/simulation/servicenow/records.ts';
import { createRenderer } from '../../../device/simulation/servicenow/render.ts';
import { bytesOf, headersOf, malformed } from '../../../device/simulation/servicenow/representation.ts';
import { createTableApi, type ReadingLimits } from '../../../device/simulation/servicenow/table-api.ts';
import { type Row, tables } from '../../../device/simulation/servicenow/tables.ts';
import type { Life } from './life.ts';
import { createMemoryRecords } from './memory-records.ts';
import { settleMs } from './schedule.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** What every password begins with. */
export const secretMark = 'secret-';
export const firstCredentials: Credentials = { username: 'greengrass', password: `${secretMark}of-the-beginning` };

/** A request of the edge that was committed. */
export interface EdgeWrite {
  method: 'POST' | 'PATCH';
  table: string;
  sysId: string;
  fields: Readonly<Record<string, string>>;
  /** The record right before. */
  before: Row | undefined;
  /** Modifications of the record that the edge had seen when it sent this; undefined where it had never seen it. */
  seenModCount: number | undefined;
  /** Modifications of the record with this one. */
  modCount: number;
  /** When, before it was sent, an answer about an incident had come through last and been stored; undefined where none had. */
  knownAtMs: number | undefined;
}

/** What the edge was told of a record last. */
export interface Heard {
  modCount: number;
  atMs: number;
}

export interface SimulatedServiceNowOptions {
  time: ManualTime;
  /** Wall time of the world, which is right. */
  wallMs: () => number;
  random: () => number;
  newId: () => string;
  onWrite: (write: EdgeWrite) => void;
  /** A request whose connection died is going to be committed all the same. */
  onLate: () => void;
}

/**
 * A ServiceNow instance behind a simulated network: the tables, rules, texts and faults of the local ServiceNow (`npm run
 * servicenow`), without its server and its SQL.
 */
export interface SimulatedServiceNow {
  readonly faults: FaultControl;
  /** Undefined: it can be reached. */
  unreachable: 'ECONNREFUSED' | 'ENOTFOUND' | undefined;
  /** Who is let in. */
  accepted: Credentials;
  /** The edge's network, for one life of it. */
  http(life: Life): Http;
  /** A person at work; answers the status. */
  person(method: 'PATCH' | 'DELETE', sysId: string, fields?: Readonly<Record<string, string>>): number;
  /**
   * Modifications of a record that an answer has told a living edge of, and when that was; undefined before. A walk, which looks for what
   * is open at a device, tells nothing of what else a row tells, and an answer with rows that were not asked for is not believed.
   */
  heard(sysId: string): Heard | undefined;
  /** This life of the edge has stored what it heard. */
  stored(life: Life): void;
  /** All records of a table, the oldest first. */
  rows(table: string): Row[];
  requests(): number;
  /** Requests that a fault struck, or that found nobody. */
  struck(): number;
}

/** What the edge had seen when it sent a request: modifications by record, and when what it had stored last came through. */
interface Seen {
  modCounts: ReadonlyMap<string, number>;
  knownAtMs: number | undefined;
}

const edge: Identity = {
  userName: 'greengrass',
  sysId: 'e'.repeat(32),
  displayName: 'Greengrass',
  roles: new Set(['itil']),
};
const person: Identity = {
  userName: 'person',
  sysId: 'd'.repeat(32),
  displayName: 'Person',
  roles: new Set(['admin']),
};
const allVisible: ReadingLimits = { invisible: false, droppedFields: [] };
const longestHopMs = 120;
const clientTimeoutMs = 10_000;
/** An instance ends what it does for a request some time after it came in, however slow it was before: settle time lasts longer. */
const longestLateMs = settleMs - 2_000;

export function createSimulatedServiceNow(options: SimulatedServiceNowOptions): SimulatedServiceNow {
  const { time, random } = options;
  const memory = createMemoryRecords();
  const { store } = memory;
  const clock = { wallMs: options.wallMs, monotonicMs: () => time.monotonicMs() };
  const choices = createChoices(store);
  const records = createRecords({ store, choices, clock, newId: options.newId });
  const tableApi = createTableApi({ store, records, choices, invalidQueryReturnsNoRows: () => false });
  const attachmentApi = createAttachmentApi({ store, records, tableApi });
  const faults = createFaults({ monotonicMs: () => time.monotonicMs(), random });
  const incidents = tableNamed('incident');
  /** By record, what the edge was shown last. */
  const shownModCounts = new Map<string, number>();
  /** What answers that came through said. */
  const heard = new Map<string, Heard>();
  let unstored: { life: Life; atMs: number } | undefined;
  let knownAtMs: number | undefined;
  let requests = 0;
  let failed = 0;

  function route(request: ApiRequest, identity: Identity, limits: ReadingLimits): ApiAnswer {
    const [, api, rest = ''] = /^\/api\/now\/(table|attachment)\/?(.*)$/.exec(request.path) ?? [];
    const [first, ...more] = rest.split('/').filter((step) => step !== '');
    if (request.method === 'GET') return list(request, api === 'attachment' ? 'sys_attachment' : (first ?? ''), limits);
    if (api === 'attachment') {
      return attachmentApi(request, first === undefined ? [] : [first, ...more], identity, limits);
    }
    const table = tables.get(first ?? '');
    if (api !== 'table' || table === undefined) return refusals.noSuchResource();
    return tableApi(request, { table, sysId: more[0], version: undefined }, identity, limits);
  }

  function list(request: ApiRequest, name: string, { invisible, droppedFields }: ReadingLimits): ApiAnswer {
    const table = tables.get(name);
    if (table === undefined) return refusals.invalidTable(name);
    const { query } = request;
    const rows = invisible ? [] : memory.list(table, query.get('sysparm_query') ?? '', droppedFields);
    const display = query.get('sysparm_display_value');
    const render = createRenderer(store, choices, {
      display: display === 'true' || display === 'all' ? display : 'false',
      fields: query.get('sysparm_fields')?.split(','),
      excludeReferenceLink: query.get('sysparm_exclude_reference_link') === 'true',
      tableUrl: `${request.baseUrl}/api/now/table`,
    });
    const limit = Number(query.get('sysparm_limit') ?? 1_000);
    return json(200, { result: rows.slice(0, limit).map((row) => render(table, row)) });
  }

  /** One request of the edge, done. `seen` is what the edge knew when it sent it. */
  function serve(request: ApiRequest, limits: ReadingLimits, seen: Seen): ApiAnswer {
    const { username, password } = service.accepted;
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (request.headers.get('authorization') !== expected) return refusals.notAuthenticated();
    const sysId = /^\/api\/now\/table\/incident\/([0-9a-f]{32})$/.exec(request.path)?.[1];
    const before = sysId === undefined ? undefined : store.get(incidents, sysId);
    const answer = route(request, edge, limits);
    if (answer.status < 200 || answer.status > 299) return answer;
    for (const { sysId: shown, modCount } of shownIn(answer)) shownModCounts.set(shown, modCount);
    if (request.method === 'POST' || request.method === 'PATCH') tellWrite(request, answer, before, seen);
    return answer;
  }

  function shownIn(answer: ApiAnswer): { sysId: string; modCount: number }[] {
    if (answer.status < 200 || answer.status > 299) return [];
    return recordsIn(answer)
      .map((row) => ({ sysId: fieldOf(row, 'sys_id'), modCount: Number(fieldOf(row, 'sys_mod_count')) }))
      .filter(({ sysId }) => sysId !== '');
  }

  function hear(answer: ApiAnswer, life: Life): void {
    const atMs = options.wallMs();
    for (const { sysId, modCount } of shownIn(answer)) {
      unstored = { life, atMs };
      heard.set(sysId, { modCount, atMs });
    }
  }

  function tellWrite(
    { method, path, body }: ApiRequest,
    answer: ApiAnswer,
    before: Row | undefined,
    { modCounts, knownAtMs }: Seen,
  ): void {
    const [row] = recordsIn(answer);
    const sysId = row === undefined ? '' : fieldOf(row, 'sys_id');
    const isIncident = path.startsWith('/api/now/table/incident');
    options.onWrite({
      method: method === 'POST' ? 'POST' : 'PATCH',
      table: isIncident ? 'incident' : 'sys_attachment',
      sysId,
      fields: isIncident ? stringsIn(JSON.parse(Buffer.from(body).toString('utf8'))) : {},
      before,
      seenModCount: modCounts.get(sysId),
      knownAtMs,
      modCount: Number(row === undefined ? Number.NaN : fieldOf(row, 'sys_mod_count')),
    });
  }

  function send(request: HttpRequest, life: Life): Promise<HttpOutcome> {
    requests += 1;
    const url = new URL(request.url);
    const bytes = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? new Uint8Array());
    const asked: ApiRequest = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: new Headers(request.headers),
      body: bytes,
      baseUrl: url.origin,
    };
    const seen = { modCounts: new Map(shownModCounts), knownAtMs };
    const isWalk = url.searchParams.get('sysparm_query')?.includes('STARTSWITH') === true;
    const isStray = () => request.method === 'GET' && plan.limits.droppedFields.length > 0;
    const table = /^\/api\/now\/table\/([^/]+)/.exec(url.pathname)?.[1];
    const hopMs = () => 1 + Math.floor(random() * longestHopMs);
    const struck = faults.strike({
      method: request.method,
      path: url.pathname,
      table,
      bodyText: () => Buffer.from(bytes).toString('utf8'),
    });
    if (struck.length > 0 || service.unreachable !== undefined) failed += 1;
    const plan = planFaults(struck, { table, sysId: url.pathname.split('/').at(-1) ?? '' }, options.wallMs());

    return new Promise((resolve) => {
      let isOver = false;
      const fail = (code: string, connected: boolean) => {
        isOver = true;
        resolve({ kind: 'failed', code, connected });
      };
      const answered = (answer: ApiAnswer) =>
        time.after(hopMs(), () => {
          if (!isOver && !life.isOver() && !isWalk && !isStray()) hear(answer, life);
          resolve(outcomeOf(answer));
        });
      if (service.unreachable !== undefined) {
        const code = service.unreachable;
        time.after(hopMs(), () => fail(code, false));
        return;
      }
      // The client waits no longer; what it sent is done all the same.
      if (plan.delayMs + 2 * longestHopMs > clientTimeoutMs) time.after(clientTimeoutMs, () => fail('TIMEOUT', true));
      time.after(hopMs() + plan.delayMs, () => {
        const { outcome } = plan;
        // Whatever becomes of it, a crash may come before its end is known.
        time.after(0, () => {
          life.cross({ port: 'request', when: 'after' });
          if (request.method !== 'GET') life.cross({ port: 'write', when: 'after' });
        });
        switch (outcome.kind) {
          case 'answered':
            return answered(echoing(outcome.answer, asked));
          case 'cut-before-commit':
            return fail('ECONNRESET', true);
          case 'cut-then-commit':
            options.onLate();
            time.after(Math.min(outcome.delayMs, longestLateMs - plan.delayMs), () => serve(asked, plan.limits, seen));
            return fail('ECONNRESET', true);
          case 'commit-then-cut':
            serve(asked, plan.limits, seen);
            return fail('ECONNRESET', true);
          case 'truncated-body':
            serve(asked, plan.limits, seen);
            return fail('ERR_BAD_RESPONSE', true);
          case 'malformed-body':
            return answered(malformed(serve(asked, plan.limits, seen)));
          case 'served':
            return answered(serve(asked, plan.limits, seen));
        }
      });
    });
  }

  // Other people's work, which is no business of the edge.
  for (const text of ['The printer is out of paper', 'New laptop']) {
    const by = { userName: person.userName, userSysId: person.sysId, inputIsDisplayValue: false };
    records.create(incidents, { short_description: text }, by);
  }

  const service: SimulatedServiceNow = {
    faults,
    unreachable: undefined,
    accepted: firstCredentials,
    requests: () => requests,
    struck: () => failed,
    heard: (sysId) => heard.get(sysId),
    stored(life) {
      if (unstored?.life !== life || life.isOver()) return;
      knownAtMs = unstored.atMs;
      unstored = undefined;
    },
    http: (life) => ({
      send(request) {
        life.cross({ port: 'request', when: 'before' });
        if (request.method !== 'GET') life.cross({ port: 'write', when: 'before' });
        return life.answer(life.isOver() ? new Promise(() => {}) : send(request, life));
      },
      close() {},
    }),
    person(method, sysId, fields = {}) {
      const request: ApiRequest = {
        method,
        path: `/api/now/table/incident/${sysId}`,
        query: new URLSearchParams(),
        headers: new Headers({ 'content-type': 'application/json', accept: 'application/json' }),
        body: Buffer.from(JSON.stringify(fields)),
        baseUrl: 'https://instance.example',
      };
      return route(request, person, allVisible).status;
    },
    rows: memory.rows,
  };
  return service;
}

function tableNamed(name: string) {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`no table ${name}`);
  return table;
}

function outcomeOf(answer: ApiAnswer): HttpOutcome {
  const headers = new Headers(headersOf(answer));
  return {
    kind: 'answered',
    status: answer.status,
    contentType: headers.get('content-type') ?? '',
    retryAfter: headers.get('retry-after') ?? undefined,
    rateLimitReset: headers.get('x-ratelimit-reset') ?? undefined,
    body: Buffer.from(bytesOf(answer) ?? []).toString('utf8'),
  };
}

/** A refusal that repeats the request's credentials, as answers of proxies and debug pages do. */
function echoing(answer: ApiAnswer, { headers }: ApiRequest): ApiAnswer {
  const { body } = answer;
  if (body.kind !== 'json' || typeof body.value !== 'object' || body.value === null) return answer;
  const error: unknown = 'error' in body.value ? body.value.error : undefined;
  if (typeof error !== 'object' || error === null) return answer;
  const detail = `${'detail' in error ? String(error.detail) : ''} (authorization: ${headers.get('authorization')})`;
  return { ...answer, body: { kind: 'json', value: { ...body.value, error: { ...error, detail } } } };
}

/** The records that an answer shows: of a list, or the one that was written. */
function recordsIn({ body }: ApiAnswer): object[] {
  if (body.kind !== 'json' || typeof body.value !== 'object' || body.value === null) return [];
  const result: unknown = 'result' in body.value ? body.value.result : undefined;
  const list: unknown[] = Array.isArray(result) ? result : [result];
  return list.filter((one) => typeof one === 'object' && one !== null);
}

/** A value, with or without its display value beside it. */
function fieldOf(record: object, name: string): string {
  const field: unknown = Object.entries(record).find(([key]) => key === name)?.[1];
  if (typeof field === 'string') return field;
  return typeof field === 'object' && field !== null && 'value' in field ? String(field.value) : '';
}

function stringsIn(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([name, field]) => [name, String(field)]));
}
