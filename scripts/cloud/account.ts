import { mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { localAccountId } from '../../cloud/testing/account.ts';
import { AppError } from '../../device/platform/errors.ts';
import type { AccountCertificates } from './certificates.ts';
import { startKeySetProxy } from './key-set-proxy.ts';
import { lastWords, startProcess } from './processes.ts';
import type { Tools } from './tools.ts';

/** Fixed: nobody else is in the namespace. */
const accountPort = 4566;
const deviceMqttPort = 8883;
const motoPort = 5000;
const keySetPort = 4567;

const accountEndpoint = `https://127.0.0.1:${accountPort}`;
const motoEndpoint = `http://127.0.0.1:${motoPort}`;
/** Services that the account lacks: moto keeps their state, for functions and tests alike. */
const servicesOfMoto = ['QUICKSIGHT', 'WAFV2', 'SERVICE_CATALOG', 'DATABASE_MIGRATION_SERVICE', 'REDSHIFT'];
const startLimitMs = 30_000;

export interface AccountOptions {
  tools: Tools;
  certificates: AccountCertificates;
  region: string;
  /** Takes logs and state; removed by who made it. */
  folder: string;
  signal: AbortSignal;
}

export interface LocalAccount {
  /** In the environment of everything that talks to the account: endpoint, authority, the root user's keys. */
  env: Record<string, string>;
  logFiles: { account: string; moto: string };
  stop(): Promise<void>;
}

/**
 * The local account: ministack with rights enforced and TLS, and moto beside it for what it lacks.
 * @throws AppError `account-failed` with the end of its log
 */
export async function startAccount(options: AccountOptions): Promise<LocalAccount> {
  const { tools, folder, region, signal } = options;
  const logFiles = { account: join(folder, 'account.log'), moto: join(folder, 'moto.log') };
  const own = folders(folder);
  const keySets = await startKeySetProxy(keySetPort, accountEndpoint, readFileSync(options.certificates.authority));
  const moto = startProcess({
    name: 'moto',
    program: tools.python,
    args: ['-m', 'moto.server', '--host', '127.0.0.1', '--port', String(motoPort)],
    env: { ...process.env, TMPDIR: own.tmp, MOTO_IAM_DEFAULT_REGION: region },
    logFile: logFiles.moto,
  });
  const ministack = startProcess({
    name: 'ministack',
    program: tools.python,
    args: ['-m', 'ministack'],
    env: { ...process.env, ...ministackEnvironment(options, own), http_proxy: keySets.url, no_proxy: '127.0.0.1' },
    logFile: logFiles.account,
  });
  const stop = async () => {
    await Promise.all([ministack.stop(), moto.stop(), keySets.stop()]);
  };
  try {
    await Promise.all([
      untilReady({ url: `${accountEndpoint}/_ministack/ready`, logFile: logFiles.account, ...ministack, signal }),
      untilReady({ url: `${motoEndpoint}/moto-api/data.json`, logFile: logFiles.moto, ...moto, signal }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { env: clientEnvironment(options), logFiles, stop };
}

/** What it writes lies in the folder of the run: several accounts share the machine's /tmp, and all have the same ports. */
function folders(folder: string): { tmp: string; state: string } {
  const own = { tmp: join(folder, 'tmp'), state: join(folder, 'state') };
  for (const path of Object.values(own)) mkdirSync(path, { recursive: true });
  return own;
}

function ministackEnvironment(options: AccountOptions, own: { tmp: string; state: string }): Record<string, string> {
  const { tools, certificates, region } = options;
  const { bundle, authority, server, serverKey } = certificates;
  return {
    AUTH: 'true',
    MINISTACK_ACCOUNT_ID: localAccountId,
    MINISTACK_REGION: region,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(accountPort),
    SFTP_ENABLED: '0',
    IOT_MTLS_ENABLED: '1',
    IOT_MTLS_PORT: String(deviceMqttPort),
    USE_SSL: '1',
    MINISTACK_SSL_CERT: server,
    MINISTACK_SSL_KEY: serverKey,
    SFN_WAIT_SCALE: '0',
    TMPDIR: own.tmp,
    STATE_DIR: own.state,
    S3_DATA_DIR: join(own.state, 's3'),
    // From here on it is the functions that are meant: they inherit this environment.
    // Jobs of Glue run on the Python that has the emulators, and with them DuckDB and the SDK.
    PATH: [tools.node24, dirname(tools.python), process.env['PATH'] ?? ''].join(delimiter),
    NODE_PATH: resolve('node_modules'),
    ...{ SSL_CERT_FILE: bundle, REQUESTS_CA_BUNDLE: bundle, AWS_CA_BUNDLE: bundle, NODE_EXTRA_CA_CERTS: authority },
    ...serviceEndpoints(),
  };
}

/** The keys are those of the account's root user, for whom every right holds. */
function clientEnvironment({ certificates, region, folder }: AccountOptions): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: accountEndpoint,
    AWS_ENDPOINT_URL_S3: accountEndpoint,
    ...serviceEndpoints(),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_CA_BUNDLE: certificates.bundle,
    NODE_EXTRA_CA_CERTS: certificates.authority,
    // Neither configuration nor cache of the person who runs this.
    HOME: folder,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** Of single services, for functions and tests. The account names queues by `localhost`; the SDK warns where its endpoint has another host. */
function serviceEndpoints(): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_SQS: `https://localhost:${accountPort}`,
    ...Object.fromEntries(servicesOfMoto.map((service) => [`AWS_ENDPOINT_URL_${service}`, motoEndpoint])),
  };
}

interface Starting {
  url: string;
  logFile: string;
  ended: Promise<string | undefined>;
  signal: AbortSignal;
}

async function untilReady({ url, logFile, ended, signal }: Starting): Promise<void> {
  let end: string | undefined;
  void ended.then((how) => (end = how ?? 'exit code 0'));
  const until = performance.now() + startLimitMs;
  for (;;) {
    signal.throwIfAborted();
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    if (end !== undefined || performance.now() > until) {
      const how = end === undefined ? `was not ready within ${startLimitMs / 1_000} s` : `ended at once: ${end}`;
      throw new AppError('account-failed', `The local account ${how}.${lastWords(logFile)}`);
    }
    await pause(100, undefined, { signal });
  }
}
