import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { workstationPolicy } from '../../cloud/greengrass/workstation-policy.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { parseDuration } from '../parse-duration.ts';
import { bundleName, readBundle } from './bundle.ts';
import { type ClaimCommandOptions, claim } from './claim-command.ts';
import { createClients } from './clients.ts';
import type { Context } from './context.ts';
import { create } from './create.ts';
import { follow } from './follow.ts';
import { keyIdOfRequest, makeIdentity } from './identity.ts';
import { type InstalledFor, install, nextCommands, type PlacedFile } from './install.ts';
import {
  namesOf,
  type PlaceOptions,
  parseLimit,
  parseParameter,
  parseSnowUrl,
  placeOf,
  withPlaceOptions,
} from './options.ts';
import { packagedComponents } from './packaged.ts';
import { amazonRootCa, rootCaIn } from './root-ca.ts';
import { readSecretValue } from './secret-value.ts';
import { teardown } from './teardown.ts';

/** `npm run provision -- COMMAND`: a Raspberry Pi becomes a Greengrass core, in three steps, and is one no more. */
const program = new Command('npm run provision --')
  .description(
    'Makes a Raspberry Pi a Greengrass core: keygen on the Pi, create on a workstation with AWS credentials, install on the Pi. No key leaves the Pi, and no credentials come onto it.',
  )
  .addHelpText('after', '\nExit codes: 0 done, 1 could not be done (run it again: it goes on), 2 wrong options.')
  // The options of --claim have the names of others that commands have.
  .enablePositionalOptions()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

// Node 20 is supported here as long as the locked SDK runs on it; the SDK would say at every start that later ones will not.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const print = (line: string) => void process.stdout.write(`${line}\n`);
const nucleusOption = () =>
  new Option('--nucleus <kind>', 'which nucleus config.yaml is for; none: a Pi without Greengrass')
    .choices(['classic', 'lite', 'none'])
    .default('classic');

program
  .command('keygen')
  .description('on the Pi: make its private key and signing request; a key that is there is kept')
  .option('--out <folder>', 'where to', 'certs')
  .option('--thing <name>', 'name in the signing request', 'IoT-blog_Core')
  .option('--force', 'make a new key; the present one is moved aside', false)
  .action(async ({ out, thing, force }: { out: string; thing: string; force: boolean }) => {
    const { keyFile, csrFile, kept } = await makeIdentity(out, thing, { force });
    print(`${kept ? 'Kept' : 'Made'}  ${keyFile}  (private key, mode 0600: it stays here)`);
    print(`Made  ${csrFile}  (signing request: not secret)`);
    print(`\nBring ${csrFile} to the workstation, and run there:`);
    print(
      `  npm run provision -- create --csr ${csrFile} --thing ${thing} --snow-user USER --snow-url https://devXXXXX.service-now.com/api/now/table/incident`,
    );
  });

interface CreateCommandOptions extends PlaceOptions {
  csr: string;
  tempLimit?: number;
  humidLimit?: number;
  snowUrl?: string;
  snowUser?: string;
  secretFile?: string;
  updateSecret: boolean;
  retireOldKeys: boolean;
  dist: string;
  bundle?: string;
  rootCa?: string;
  dryRun: boolean;
  wait: boolean;
  waitFor: number;
}

withPlaceOptions(program.command('create'))
  .description('on the workstation: make or mend all that the device needs in the account, and write its bundle')
  .requiredOption('--csr <file>', 'signing request that keygen made')
  .option('--temp-limit <celsius>', 'upper limit of the temperature (default: as deployed, else 30)', parseLimit)
  .option('--humid-limit <percent>', 'upper limit of the humidity (default: as deployed, else 50)', parseLimit)
  .option('--snow-url <url>', 'Table API of ServiceNow (default: as deployed)', parseSnowUrl)
  .option('--snow-user <name>', 'user for the secret; its password is asked for without echo')
  .option('--secret-file <file>', 'value of the secret as JSON, mode 0600, instead of being asked')
  .option('--update-secret', 'give the secret a new value although it exists', false)
  .option('--retire-old-keys', 'revoke the certificates of earlier keys of this thing', false)
  .option('--dist <folder>', 'where npm run package has put the zips', 'dist')
  .option('--bundle <file>', 'bundle to write (default: <thing>.bundle.tar.gz)')
  .option('--root-ca <file>', 'authority of the endpoints, for a local account (default: Amazon Root CA 1)')
  .option('--dry-run', 'show the plan and change nothing', false)
  .option('--wait', 'follow the deployment until the device has carried it out', false)
  .addOption(
    new Option('--wait-for <time>', 'how long --wait waits: 90s, 30m, 2h')
      .argParser(parseDuration)
      .default(30 * 60_000, '30m'),
  )
  .action(async (options: CreateCommandOptions) => {
    const csr = readText(options.csr, '--csr');
    const keyId = await keyIdOfRequest(csr, options.csr);
    return withClients(options, async (context) => {
      const { tempLimit, humidLimit, snowUrl, updateSecret, retireOldKeys } = options;
      const found = await create({
        desired: {
          names: context.names,
          place: context.place,
          csr,
          keyId,
          settings: {
            ...(tempLimit === undefined ? {} : { tempLimit }),
            ...(humidLimit === undefined ? {} : { humidLimit }),
            ...(snowUrl === undefined ? {} : { snowUrl }),
          },
          components: packagedComponents(context.names, context.place, options.dist),
          updateSecret,
          retireOldKeys,
        },
        context,
        dryRun: options.dryRun,
        rootCa: options.rootCa === undefined ? amazonRootCa() : rootCaIn(options.rootCa),
        bundleFile: options.bundle ?? bundleName(context.names.thing),
        print,
      });
      const deploymentId = found?.deployments.find(({ latest }) => latest)?.id;
      if (options.wait && deploymentId !== undefined) {
        await follow({ context, deploymentId, limitMs: options.waitFor, pollMs: 10_000, print });
      }
    });
  });

withPlaceOptions(program.command('teardown'))
  .description('on the workstation: remove exactly what create made')
  .option('--force', 'delete the secret at once instead of in 30 days', false)
  .option('--dry-run', 'show what would be removed', false)
  .action((options: PlaceOptions & { force: boolean; dryRun: boolean }) =>
    withClients(options, (context) => teardown({ context, force: options.force, dryRun: options.dryRun, print })),
  );

withPlaceOptions(program.command('permissions'))
  .description('print the IAM policy that create and teardown need, for a person’s role')
  .option('--account <id>', 'account (default: that of the credentials)')
  .action(async (options: PlaceOptions & { account?: string }) => {
    const { account, region } = options;
    const policyFor = (place: { account: string; region: string }) =>
      print(JSON.stringify(workstationPolicy(namesOf(options, place), place), null, 2));
    if (account !== undefined) return policyFor({ account, region });
    return withClients(options, async ({ place }) => policyFor(place));
  });

program
  .command('install')
  .description('on the Pi: put the bundle in place, and say how the nucleus is installed')
  .argument('<bundle>', 'file that create wrote')
  .option('--keys <folder>', 'where keygen put the key', 'certs')
  .option('--target <folder>', 'root folder of the nucleus', '/greengrass/v2')
  .addOption(nucleusOption())
  .action(async (file: string, options: { keys: string; target: string; nucleus: InstalledFor }) => {
    const bundle = await readBundle(file);
    report(install(bundle, { ...options, nowMs: Date.now() }));
    print(`\n${bundle.facts.thing} will connect to ${bundle.facts.dataEndpoint}.`);
    printNext(nextCommands(options, bundle.facts));
  });

program
  .option('--claim <file>', 'on a Pi with nothing but a claim certificate: get an identity with it')
  .option('--claim-key <file>', 'private key of the claim certificate')
  .option('--endpoint <host>', 'iot:Data-ATS endpoint of the account')
  .option('--credentials-endpoint <host>', 'iot:CredentialProvider endpoint of the account')
  .option('--template <name>', 'fleet provisioning template')
  .option('--key-from-aws', 'let AWS make the key and send it, for claims that may not have one signed', false)
  .addOption(
    new Option('--parameter <name=value>', 'of the template; SerialNumber is the Pi’s own unless given')
      .argParser(parseParameter)
      .default({}, 'none'),
  )
  .option('--region <name>', 'AWS region', 'eu-west-1')
  .option('--role-alias <name>', 'role alias of the token exchange role', 'IoTGGRoleAlias')
  .option('--root-ca <file>', 'authority of the endpoints, for a local account (default: Amazon Root CA 1)')
  .option('--keys <folder>', 'where the device’s own key is made', 'certs')
  .option('--target <folder>', 'root folder of the nucleus', '/greengrass/v2')
  .addOption(nucleusOption())
  .action(async (options: Partial<ClaimCommandOptions>) => {
    if (options.claim === undefined) return program.help({ error: true });
    const { placed, next } = await claim(options, { nowMs: Date.now(), print });
    report(placed);
    printNext(next);
  });

function printNext(commands: readonly string[]): void {
  print('Next, once:');
  for (const command of commands) print(`  ${command}`);
}

function report(placed: readonly PlacedFile[]): void {
  for (const { path, changed } of placed) print(`${changed ? 'Written  ' : 'Unchanged'}  ${path}`);
}

async function withClients(
  options: PlaceOptions & { snowUser?: string; secretFile?: string },
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const clients = createClients(options.region, process.env);
  const { secretFile, snowUser } = options;
  try {
    const place = await placeOf(clients, options.region);
    await work({
      clients,
      place,
      names: namesOf(options, place),
      known: {},
      secretValue: () =>
        readSecretValue({
          ...(secretFile === undefined ? {} : { file: secretFile }),
          ...(snowUser === undefined ? {} : { user: snowUser }),
          interactive: process.stdin.isTTY === true,
        }),
      pause: async (ms) => void (await pause(ms)),
    });
  } finally {
    clients.close();
  }
}

function readText(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('unreadable', `Cannot read ${option} ${file}: ${messageOf(error)}.`, { cause: error });
  }
}

program.parseAsync().catch((error: unknown) => {
  if (error instanceof Error && error.name === 'ExitPromptError') {
    process.stderr.write('Given up at the question; nothing was changed.\n');
    process.exitCode = 1;
    return;
  }
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}\n`);
  process.exitCode = error.reason === 'incomplete' ? 2 : 1;
});
