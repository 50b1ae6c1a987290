import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { createLogger } from '../../device/platform/logger.ts';
import { seededRandom } from '../../device/platform/random.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';
import { readFaultFile } from './fault-file.ts';

/** The local ServiceNow alone: `npm run servicenow -- --port 8088 --data-dir DIR`. Exit codes: 0 stopped, 1 could not run, 2 wrong options. */
const program = new Command('servicenow')
  .description('A local ServiceNow with Table API, attachments, OAuth and faults; data is kept in SQLite.')
  .option('--port <number>', 'port; 0 takes any free one', parsePort, 8088)
  .option('--host <address>', 'address to listen on; anything but loopback is a decision', '127.0.0.1')
  .option('--allowed-host <name...>', 'host names that are answered besides loopback')
  .option('--data-dir <folder>', 'where data and credentials are kept', 'data/servicenow')
  .option('--seed', 'add a few demo incidents')
  .option('--reset', 'empty the instance first; accounts stay')
  .option('--invalid-query-returns-no-rows', 'set the property glide.invalid_query.returns_no_rows')
  .option('--faults <file>', 'lay the faults of a scenario (YAML or JSON) over the instance')
  .option('--fault-seed <number>', 'decides faults with a probability; default: the scenario’s, or chance', parseSeed)
  .option('--tls-cert <file>', 'serve HTTPS with this certificate (PEM, with its chain)')
  .option('--tls-key <file>', 'its private key (PEM)')
  .addHelpText(
    'after',
    '\nFaults are described in device/simulation/servicenow/README.md.' +
      '\nUser admin; the password is taken from SERVICENOW_PASSWORD, or made at the first start and kept in <folder>/credentials.json,' +
      '\nwhere the OAuth client, the API key and the token of /admin are as well.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  port: number;
  host: string;
  allowedHost?: string[];
  dataDir: string;
  seed?: true;
  reset?: true;
  invalidQueryReturnsNoRows?: true;
  faults?: string;
  faultSeed?: number;
  tlsCert?: string;
  tlsKey?: string;
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('Give a number from 0 to 65535.');
  return Number(text);
}

function parseSeed(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0xffff_ffff)
    throw new InvalidArgumentError('Give a whole number from 0 to 4294967295.');
  return Number(text);
}

/** Undefined where neither file is named. */
async function readTls({ tlsCert, tlsKey }: Options): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new AppError('tls-unusable', 'Give both --tls-cert and --tls-key, or neither.');
  return { cert: await readPem(tlsCert), key: await readPem(tlsKey) };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('tls-unusable', `Cannot read ${file}: ${messageOf(error)}. Check its path and mode.`);
  }
}

async function main(): Promise<void> {
  const options = program.opts<Options>();
  const dataDir = resolve(options.dataDir);
  const password = process.env['SERVICENOW_PASSWORD'];
  const scenario = options.faults === undefined ? undefined : await readFaultFile(resolve(options.faults));
  const seed = options.faultSeed ?? scenario?.seed ?? randomInt(2 ** 32);
  const serviceNow = await startServiceNow({
    port: options.port,
    host: options.host,
    dataDir,
    username: 'admin',
    password: password || undefined,
    logger: createLogger({ level: 'info', destination: 2 }),
    seedDemo: options.seed === true,
    ...(options.invalidQueryReturnsNoRows === true ? { invalidQueryReturnsNoRows: true } : {}),
    faults: scenario?.faults ?? [],
    random: seededRandom(seed),
    tls: await readTls(options),
    allowedHosts: options.allowedHost ?? [],
  });
  if (options.reset === true) serviceNow.reset();
  if (scenario !== undefined)
    process.stdout.write(`Faults in force: ${scenario.faults.length}, seed ${seed} (--fault-seed repeats them)\n`);
  const source = password ? 'SERVICENOW_PASSWORD' : join(dataDir, 'credentials.json');
  process.stdout.write(`ServiceNow at ${serviceNow.url}, user admin, password in ${source}\n`);
  const stop = () => {
    void serviceNow.stop().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
