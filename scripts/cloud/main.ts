import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stageName } from '../../cloud/stages.ts';
import { AppError } from '../../device/platform/errors.ts';
import { chooseRooms, synthesise } from './assembly.ts';
import type { AwsOptions } from './aws-account.ts';
import { isInside } from './isolation.ts';
import { prepareAndRunInside } from './local-run.ts';
import { serveLocally } from './serve-locally.ts';
import { type TestOptions, testLocally } from './test-locally.ts';

/** `npm run synth`, `npm run test:cloud`, `npm run cloud:local`. Exit codes: 0 all well, 1 something failed, 2 wrong use. */
const program = new Command('cloud')
  .description('The rooms of cloud/: their templates, and a local AWS account to run them on.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const roomOption = () =>
  new Option('--room <name>', 'only this room; repeatable').argParser(collect).default([], 'all');

interface SynthCommandOptions {
  stage: string;
  output: string;
  room: string[];
  templatesOnly?: boolean;
}

program
  .command('synth')
  .description('write the templates and bundle the functions; needs no account and no network')
  .addOption(new Option('--stage <name>', 'whose settings').choices(stageName.options).default('prod'))
  .option('--output <folder>', 'where to', 'cdk.out')
  .option('--templates-only', 'without bundling the functions: to look at, not to deploy')
  .addOption(roomOption())
  .action(({ stage, output, room, templatesOnly = false }: SynthCommandOptions) =>
    end(async () => {
      const rooms = chooseRooms(room);
      const built = await synthesise({
        stage: stageName.parse(stage),
        ...{ rooms, assembly: resolve(output), templatesOnly },
      });
      for (const { name, stacks } of built) console.log(`${name}: ${stacks.join(', ')}`);
      return 0;
    }),
  );

interface TestCommandOptions extends Omit<TestOptions, 'files'>, Partial<Omit<AwsOptions, 'room' | 'testName'>> {}

program
  .command('test')
  .description(
    'start a local AWS account, deploy the rooms to it with the CDK, run their tests, write cloud/test-report.json',
  )
  .argument('[files...]', 'only test files whose path has this; of the rooms only those that they lie in are deployed')
  .addOption(roomOption())
  .option('-t, --test-name <pattern>', 'only tests whose name matches')
  .option('--logs <folder>', 'keep the logs of account and deployment there')
  .option('--results <file>', "write vitest's JSON report there")
  .option('--account <id>', 'not local: this AWS account, by the credentials of the environment', parseAccount)
  .option('--region <name>', 'of the AWS account')
  .option('--with-paid', 'on AWS: also rooms that cost something even when idle')
  .action((files: string[], options: TestCommandOptions) => end(() => test(files, options)));

program
  .command('local')
  .description('start a local AWS account with everything deployed, to look around in; Ctrl-C ends it')
  .addOption(roomOption())
  .action(({ room }: { room: string[] }) => {
    // A wrong name is told before anything is installed.
    return end(async () => {
      chooseRooms(room);
      return isInside ? serveLocally(room) : prepareAndRunInside(import.meta.filename);
    });
  });

await program.parseAsync();

async function test(files: readonly string[], options: TestCommandOptions): Promise<number> {
  const { account, region, withPaid = false, ...local } = options;
  chooseRooms(local.room);
  if (account === undefined) {
    if (region !== undefined || withPaid) throw wrongUse('--region and --with-paid go with --account.');
    return isInside ? testLocally({ files, ...local }) : prepareAndRunInside(import.meta.filename);
  }
  if (region === undefined)
    throw wrongUse('--account needs --region, so that nothing is created where it is not expected.');
  if (files.length > 0) throw wrongUse('On an AWS account rooms are chosen with --room, not by files.');
  // Loaded late, for nothing else here needs the SDK; what it says of old Node releases is not for who runs this.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { testOnAws } = await import('./aws-account.ts');
  return testOnAws({ ...local, account, region, withPaid });
}

/** Ends the process: emulators and sockets of clients would keep it. */
async function end(work: () => Promise<number>): Promise<void> {
  try {
    process.exit(await work());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    console.error(error.message);
    process.exit(error.reason === 'wrong-use' || error.reason === 'unknown-room' ? 2 : 1);
  }
}

function wrongUse(sentence: string): AppError {
  return new AppError('wrong-use', sentence);
}

function collect(one: string, all: string[]): string[] {
  return [...all, one];
}

function parseAccount(id: string): string {
  if (!/^\d{12}$/.test(id)) throw new InvalidArgumentError('An account id has twelve digits.');
  return id;
}
