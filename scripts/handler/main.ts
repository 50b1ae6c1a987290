import { Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../device/config/load.ts';
import type { HandlerStore } from '../../device/handler/store.ts';
import { AppError } from '../../device/platform/errors.ts';
import { type Answer, backup, deadLetters, openStoreOf, redrive, status, trustEmpty } from './commands.ts';

/** `npm run handler -- COMMAND`: looks into the handler's store, and changes it, while the handler runs or not. */
const program = new Command('npm run handler --')
  .description('Looks into the store of the anomaly handler, and changes it; the handler may run meanwhile.')
  .option('--config <file>', 'configuration, YAML or JSON')
  .option('--set <path=value>', 'one field of the configuration; repeatable', (one, all: string[]) => [...all, one], [])
  .option('--data-dir <folder>', 'where the handler keeps its state; short for --set store.dataDir=…')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nExit codes: 0 done, 1 could not be done, 2 wrong options or configuration.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command('status')
  .description('what the store holds')
  .action(() => run(status));

program
  .command('dead-letters')
  .description('what the instance refused, what was put aside, and which messages were rejected, with the reasons')
  .action(() => run(deadLetters));

program
  .command('redrive')
  .description('tell dead letters again, with what waits behind them')
  .argument('[ids...]', 'dead letters, as `dead-letters` lists them', parseIds)
  .option('--all', 'all of them')
  .action((ids: number[] = [], { all }: { all?: true }) => {
    if ((all === true) === ids.length > 0) program.error('error: name the dead letters, or give --all');
    return run((store) => redrive(store, all === true ? 'all' : ids));
  });

program
  .command('trust-empty')
  .description('confirm that people have deleted all the incidents that the handler knew')
  .action(() => run(trustEmpty));

program
  .command('backup')
  .description('write a consistent copy of the store')
  .argument('<file>', 'must not exist')
  .action((file: string) => run((store) => backup(store, file)));

function parseIds(text: string, before: number[] = []): number[] {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Give numbers, as dead-letters lists them.');
  return [...before, Number(text)];
}

interface Options {
  config?: string;
  set: string[];
  dataDir?: string;
  json?: true;
}

async function run(command: (store: HandlerStore) => Answer): Promise<void> {
  const options = program.opts<Options>();
  const store = openStoreOf(await dataDirOf(options));
  try {
    const { data, text } = command(store);
    process.stdout.write(options.json === true ? `${JSON.stringify(data, null, 2)}\n` : text);
  } finally {
    store.close();
  }
}

async function dataDirOf({ config: file, set, dataDir }: Options): Promise<string> {
  const { config } = await loadConfig({
    ...(file === undefined ? {} : { file }),
    env: process.env,
    set: dataDir === undefined ? set : [...set, `store.dataDir=${dataDir}`],
  });
  return config.store.dataDir;
}

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.reason === 'bad-configuration' ? 2 : 1;
});
