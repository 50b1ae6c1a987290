import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../device/config/load.ts';
import type { HandlerStore } from '../../device/handler/store.ts';
import { AppError } from '../../device/platform/errors.ts';
import { parseDuration } from '../parse-duration.ts';
import { type Answer, backup, deadLetters, openStoreOf, redrive, status, trustEmpty } from './commands.ts';
import { endSilence, type SilenceOptions, silence, silences } from './silences.ts';

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
  .command('silence')
  .description('hold back, for a while, what is told of some breaches; without a name: of all')
  .option('--site <name>', 'of one site')
  .option('--device <name>', 'of one device')
  .option('--metric <name>', 'of one metric')
  .option('--rule <name>', 'of one rule: upper, no-data, …')
  .requiredOption('--for <time>', 'how long: 90s, 5m, 2h, 1d; at most 31d', parseDuration)
  .requiredOption('--reason <text>', 'why')
  .option('--author <name>', 'who sets it (default: who runs this)')
  .action((options: SilenceOptions) =>
    run((store) => silence(store, options, { id: randomUUID().replaceAll('-', ''), nowMs: Date.now() })),
  );

program
  .command('silences')
  .description('silences that last')
  .action(() => run((store) => silences(store, Date.now())));

program
  .command('end-silence')
  .description('end a silence: what still fires opens then')
  .argument('<id>', 'as `silences` lists it')
  .action((id: string) => run((store) => endSilence(store, id)));

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
