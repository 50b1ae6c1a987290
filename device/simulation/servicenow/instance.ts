import { timingSafeEqual } from 'node:crypto';
import type { Accounts } from './accounts.ts';
import { type ApiAnswer, type ApiRequest, type Identity, refusals } from './api.ts';
import type { AttachmentApi } from './attachment-api.ts';
import { serveBatch } from './batch-api.ts';
import { basicCredentials, type OAuth } from './oauth.ts';
import type { RecordStore } from './record-store.ts';
import { answerFormat } from './representation.ts';
import { isFromPage, sessionOf, withoutPrompt } from './review/session-requests.ts';
import type { Sessions } from './review/sessions.ts';
import type { ReadingLimits, TableApi } from './table-api.ts';
import { tables } from './tables.ts';

export interface InstanceDeps {
  store: RecordStore;
  accounts: Accounts;
  oauth: OAuth;
  tableApi: TableApi;
  attachmentApi: AttachmentApi;
  apiKey: string;
  apiKeyUser: string;
  /** Of the review page. */
  sessions: Sessions;
  monotonicMs(): number;
}

/** The REST API behind its transport: who asks, then what is answered. */
export interface Instance {
  /** Undefined where the request proves no user. */
  authenticate(request: ApiRequest): Promise<Identity | undefined>;
  /** A user with an account; undefined for anybody else. */
  identityOf(userName: string | undefined): Identity | undefined;
  /** Answers in one synchronous step, so that a write is committed wholly before or wholly after anything else. */
  handle(request: ApiRequest, identity: Identity | undefined, limits: ReadingLimits): ApiAnswer;
}

/** The table that a path of the Table API names. */
export function tableOf(path: string): string | undefined {
  return /^\/api\/now(?:\/v[12])?\/table\/([^/]+)/.exec(path)?.[1];
}

const batchPath = /^\/api\/now(?:\/v1)?\/batch\/?$/;

export function createInstance(deps: InstanceDeps): Instance {
  return {
    identityOf,
    async authenticate(request) {
      const { headers } = request;
      const authorization = headers.get('authorization');
      const bearer = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
      if (bearer !== undefined) return identityOf(deps.oauth.userOf(bearer));
      const basic = basicCredentials(authorization);
      if (basic !== undefined)
        return (await deps.accounts.verify(basic.user, basic.password)) ? identityOf(basic.user) : undefined;
      const apiKey = headers.get('x-sn-apikey');
      if (apiKey !== null) return isEqual(apiKey, deps.apiKey) ? identityOf(deps.apiKeyUser) : undefined;
      return identityOf(sessionOf(deps.sessions, request)?.userName);
    },
    handle(request, identity, limits) {
      if (identity === undefined)
        return isFromPage(request) ? withoutPrompt(refusals.notAuthenticated()) : refusals.notAuthenticated();
      const overridden = withMethodOverride(request);
      if (!batchPath.test(request.path)) return route(overridden, identity, limits);
      const handle = (inner: ApiRequest) => route(withMethodOverride(inner), identity, limits);
      return serveBatch(overridden, { handle, monotonicMs: deps.monotonicMs });
    },
  };

  function identityOf(userName: string | undefined): Identity | undefined {
    const users = tables.get('sys_user');
    const roles = userName === undefined ? undefined : deps.accounts.rolesOf(userName);
    if (userName === undefined || roles === undefined || users === undefined) return undefined;
    const row = deps.store.findBy(users, 'user_name', userName);
    return { userName, roles, sysId: row?.['sys_id'] ?? '', displayName: row?.['name'] ?? userName };
  }

  function route(request: ApiRequest, identity: Identity, limits: ReadingLimits): ApiAnswer {
    const match = /^\/api\/now(?:\/(v1|v2))?\/(table|attachment)(?:\/(.*?))?\/?$/.exec(request.path);
    const [, version, api, rest] = match ?? [];
    const steps = rest === undefined || rest === '' ? [] : rest.split('/');
    if (api === 'attachment') return deps.attachmentApi(request, steps, identity, limits);
    const [name, sysId, ...more] = steps;
    if (api !== 'table' || name === undefined || more.length > 0) return refusals.noSuchResource();
    if (answerFormat(request.headers.get('accept')) === undefined) return refusals.notAcceptable();
    const table = tables.get(name);
    if (table === undefined) return refusals.invalidTable(name);
    const target = { table, sysId, version: version === 'v1' || version === 'v2' ? version : undefined } as const;
    return deps.tableApi(request, target, identity, limits);
  }
}

/** A request may name its method in a header, for clients that can send only some. */
function withMethodOverride(request: ApiRequest): ApiRequest {
  const method = request.headers.get('x-http-method-override') ?? request.method;
  return { ...request, method: method.toUpperCase() };
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
