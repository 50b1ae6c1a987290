import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { AppError, messageOf } from '../../platform/errors.ts';
import { hostCheck, hostInUrl } from '../../platform/host-check.ts';
import { listen } from '../../platform/listen.ts';
import type { Logger } from '../../platform/logger.ts';
import { systemTime, type Time } from '../../platform/time.ts';
import { type Accounts, createAccounts } from './accounts.ts';
import { createAdminApi } from './admin-api.ts';
import type { Role } from './api.ts';
import { createAttachmentApi } from './attachment-api.ts';
import { createChoices } from './choices.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import { createExchange } from './exchange.ts';
import { createFaults, type FaultControl, type FaultInput } from './faults.ts';
import { createHttpApp } from './http-app.ts';
import { createInstance } from './instance.ts';
import { createOAuth } from './oauth.ts';
import { createProperties, invalidQueryReturnsNoRows } from './properties.ts';
import { openRecordStore } from './record-store.ts';
import { createRecords } from './records.ts';
import { createLiveChanges } from './review/live-changes.ts';
import { createReviewApp } from './review/review-app.ts';
import { createSessions } from './review/sessions.ts';
import { seedDemo, seedInstance, userRecord } from './seed.ts';
import { createTableApi } from './table-api.ts';
import { type Row, tables } from './tables.ts';

export interface ServiceNowOptions {
  /** 0 takes any free port. */
  port: number;
  /** Default 127.0.0.1: loopback unless told otherwise. */
  host?: string;
  /** The option that chooses the port, for the sentence when it is taken. Default `--port`. */
  portOption?: string;
  /** Folder of the data, or `:memory:`. */
  dataDir: string;
  /** Default `admin`. */
  username?: string;
  /** Undefined: made at the first start and kept in the folder's `credentials.json`. */
  password?: string | undefined;
  /** Clock of stamps, token lifetimes and faults. */
  time?: Time;
  /** Decides faults with a probability. */
  random?: () => number;
  /** Makes sys_ids: 32 hexadecimal digits, never the same twice. */
  newId?: () => string;
  logger: Logger;
  /** Faults from the first request on. */
  faults?: readonly FaultInput[];
  /** Incidents of other people's work, so that a page is not empty. */
  seedDemo?: boolean;
  /** Sets the property `glide.invalid_query.returns_no_rows`; undefined leaves it as it is stored, at first `false`: ignored. */
  invalidQueryReturnsNoRows?: boolean;
  /** Certificate and key (PEM) of an HTTPS server; undefined serves plain HTTP. */
  tls?: { cert: string; key: string } | undefined;
  /** Host names that are answered besides loopback's and `host`. */
  allowedHosts?: readonly string[];
}

export interface ServiceNow {
  readonly url: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly faults: FaultControl;
  /** Stored rows of a table in order of creation, every value as text. */
  rows(table: string): Row[];
  /** False where there is no such user. */
  setPassword(userName: string, password: string): boolean;
  addUser(user: { userName: string; password: string; roles: readonly Role[] }): void;
  /** Empties the instance; accounts stay. */
  reset(): void;
  /** Idempotent. Commits that a fault has put off are dropped. */
  stop(): Promise<void>;
}

/** Requests are bounded in size (`maxRequestBytes`), in time and in number. */
const requestTimeoutMs = 60_000;
const mostConnections = 512;
/** Longer than clients keep an idle connection, so that it is never the server that closes one under a new request. */
const keepAliveMs = 120_000;

/**
 * A local ServiceNow instance on a real port: Table API, Attachment API, OAuth, and faults on demand.
 * @throws AppError `tls-unusable`, `port-in-use`, `listen-failed`, `store-unusable`, `store-newer`, `credentials-unusable`
 */
export async function startServiceNow(options: ServiceNowOptions): Promise<ServiceNow> {
  const { dataDir, logger, host = '127.0.0.1', username = 'admin', time = systemTime } = options;
  if (dataDir !== ':memory:') makeFolder(dataDir);
  const credentials = loadCredentials(dataDir, { username, password: options.password });
  const store = openRecordStore(dataDir === ':memory:' ? dataDir : join(dataDir, 'servicenow.db'));
  const choices = createChoices(store);
  const newId = options.newId ?? (() => randomUUID().replaceAll('-', ''));
  const records = createRecords({ store, choices, clock: time, newId });
  const properties = createProperties(store, records);
  const accounts = createAccounts(store.db);
  const faults = createFaults({ monotonicMs: () => time.monotonicMs(), random: options.random ?? Math.random });
  for (const fault of options.faults ?? []) faults.add(fault);

  const addUser: ServiceNow['addUser'] = ({ userName, password, roles }) => {
    accounts.set(userName, password, roles);
    ensureUserRecord(userName);
  };
  const ensureUserRecord = (userName: string) => {
    const users = tables.get('sys_user');
    if (users === undefined || store.findBy(users, 'user_name', userName) !== undefined) return;
    records.add(users, userRecord(userName), 'system');
  };
  const seed = () => {
    seedInstance(store, records);
    properties.ensure();
    if (options.invalidQueryReturnsNoRows !== undefined)
      properties.set(invalidQueryReturnsNoRows, String(options.invalidQueryReturnsNoRows));
    ensureUserRecord(username);
    if (options.seedDemo === true) seedDemo(store, records);
    choices.forget();
  };
  await adoptPassword(accounts, credentials);
  seed();

  const oauth = createOAuth({
    db: store.db,
    accounts,
    clock: time,
    clientId: credentials.clientId,
    clientSecret: credentials.clientSecret,
    clientUser: username,
  });
  const tableApi = createTableApi({
    store,
    records,
    choices,
    invalidQueryReturnsNoRows: () => properties.isOn(invalidQueryReturnsNoRows),
  });
  const sessions = createSessions(systemTime);
  const changes = createLiveChanges({ time: systemTime, faults, faultNowMs: () => time.monotonicMs() });
  store.watch(changes.changed);
  const instance = createInstance({
    store,
    accounts,
    oauth,
    tableApi,
    attachmentApi: createAttachmentApi({ store, records, tableApi }),
    apiKey: credentials.apiKey,
    apiKeyUser: username,
    sessions,
    monotonicMs: () => time.monotonicMs(),
  });
  let url = '';
  const exchange = createExchange({ instance, oauth, faults, time, logger, origin: () => url });

  const app = createHttpApp({
    exchange,
    review: createReviewApp({ accounts, sessions, changes, identityOf: instance.identityOf, time: systemTime }),
    admin: createAdminApi({ token: credentials.adminToken, faults, accounts, properties }),
    hostCheck: hostCheck(host, options.allowedHosts ?? []),
    logger,
    origin: () => url,
  });
  const server = createServer(app.fetch, options.tls, () => store.close());
  server.requestTimeout = requestTimeoutMs;
  server.maxConnections = mostConnections;
  let port: number;
  try {
    port = await listen(server, {
      host,
      port: options.port,
      what: 'the local ServiceNow',
      portOption: options.portOption ?? '--port',
    });
  } catch (error) {
    store.close();
    throw error;
  }
  url = `${options.tls === undefined ? 'http' : 'https'}://${hostInUrl(host)}:${port}`;

  let stopped: Promise<void> | undefined;
  return {
    url,
    port,
    credentials,
    faults,
    rows(name) {
      const table = tables.get(name);
      if (table === undefined) throw new Error(`no table ${name}`);
      return store.select(table, { where: '1', orderBy: 't.seq', values: [] }, { limit: -1, offset: 0 });
    },
    setPassword: (userName, password) => accounts.setPassword(userName, password),
    addUser,
    reset() {
      store.clear();
      seed();
    },
    stop() {
      stopped ??= (async () => {
        changes.stop();
        exchange.abort();
        await closeServer(server);
        await exchange.idle();
        store.close();
      })();
      return stopped;
    },
  };
}

/** The account has the password of the credentials; its hash is written anew only where it does not fit. */
async function adoptPassword(accounts: Accounts, { username, password }: Credentials): Promise<void> {
  if (await accounts.verify(username, password)) return;
  accounts.set(username, password, ['admin']);
}

function createServer(
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch'],
  tls: ServiceNowOptions['tls'],
  onUnusable: () => void,
): Server {
  const plain = { fetch, autoCleanupIncoming: false, serverOptions: { keepAliveTimeout: keepAliveMs } };
  try {
    const server = createAdaptorServer(
      tls === undefined
        ? plain
        : { ...plain, createServer: createTlsServer, serverOptions: { ...plain.serverOptions, ...tls } },
    );
    if (!('closeAllConnections' in server)) throw new Error('expected an HTTP/1 server');
    return server;
  } catch (error) {
    onUnusable();
    throw new AppError(
      'tls-unusable',
      `Certificate or key of the local ServiceNow cannot be used: ${messageOf(error)}. Give a matching pair in PEM.`,
      { cause: error },
    );
  }
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError(
      'store-unusable',
      `Cannot make the local ServiceNow's data folder ${dataDir}: ${messageOf(error)}. Choose another folder.`,
      { cause: error },
    );
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
