import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { AppError } from '../../device/platform/errors.ts';
import { createLogger } from '../../device/platform/logger.ts';
import { startServiceNow } from '../../device/simulation/servicenow/start-servicenow.ts';

/** The local ServiceNow alone: `npm run servicenow -- --port 8088 --data-dir DIR`. Exit codes: 0 stopped, 1 could not run, 2 wrong options. */
const program = new Command('servicenow')
  .description('A local ServiceNow with Table API, attachments, OAuth and faults; data is kept in SQLite.')
  .option('--port <number>', 'port; 0 takes any free one', parsePort, 8088)
  .option('--host <address>', 'address to listen on; anything but loopback is a decision', '127.0.0.1')
  .option('--allowed-host <name...>', 'host names that are answered besides loopback')
  .option('--data-dir <folder>', 'where data and credentials are kept', 'data/servicenow')
  .option('--seed', 'add a few demo incidents')
  .option('--reset', 'empty the instance first; accounts stay')
  .option('--invalid-query-returns-no-rows', 'as the property glide.invalid_query.returns_no_rows')
  .addHelpText(
    'after',
    '\nUser admin; the password is taken from SERVICENOW_PASSWORD, or made at the first start and kept in <folder>/credentials.json,' +
      '\nwhere the OAuth client, the API key and the token of /admin/faults are as well.',
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
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError('Give a number from 0 to 65535.');
  return Number(text);
}

async function main(): Promise<void> {
  const options = program.opts<Options>();
  const dataDir = resolve(options.dataDir);
  const password = process.env['SERVICENOW_PASSWORD'];
  const serviceNow = await startServiceNow({
    port: options.port,
    host: options.host,
    dataDir,
    username: 'admin',
    password: password || undefined,
    logger: createLogger({ level: 'info', destination: 2 }),
    seedDemo: options.seed === true,
    invalidQueryReturnsNoRows: options.invalidQueryReturnsNoRows === true,
    allowedHosts: options.allowedHost ?? [],
  });
  if (options.reset === true) serviceNow.reset();
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
