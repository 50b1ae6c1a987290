import { Command } from 'commander';
import { environmentName } from '../../device/config/environment.ts';
import { keptConfigurationFile } from '../../device/config/last-good.ts';
import { type LoadedConfig, loadConfig } from '../../device/config/load.ts';
import type { KeptHere } from '../../device/doctor/configuration-check.ts';
import { type Core, type CoreComponent, readCore, rootOf } from '../../device/doctor/core.ts';
import { examine } from '../../device/doctor/doctor.ts';
import { thisMachine } from '../../device/doctor/machine.ts';
import { countOf, renderReport, reportJson } from '../../device/doctor/report.ts';
import type { ProgramName } from '../../device/greengrass/components.ts';
import { systemMachineClock } from '../../device/monitor/machine-clock.ts';
import { AppError } from '../../device/platform/errors.ts';
import { software } from '../../device/platform/version.ts';

/**
 * `npm run doctor`, and `doctor.mjs` beside the packaged monitor: says what is missing on this machine, at the broker or
 * the nucleus, and at the instance, and what to do.
 */
const program = new Command('doctor')
  .description(
    'Checks this machine, the sensor, the broker or Greengrass, the credentials and the ServiceNow instance; changes nothing.',
  )
  .option('--config <file>', 'configuration, YAML or JSON')
  .option('--set <path=value>', 'one field of the configuration; repeatable', (one, all: string[]) => [...all, one], [])
  .option('--data-dir <folder>', 'all state; short for --set store.dataDir=…')
  .option('--greengrass <folder>', 'examine what the nucleus of this root folder runs', rootOf(import.meta.filename))
  .option('--write', 'make an incident, read it back, and cancel it')
  .option('--json', 'print the findings as JSON')
  .addHelpText(
    'after',
    `
Exit codes: 0 nothing failed, 1 something failed, 2 wrong options or configuration.
Under Greengrass (/greengrass/v2) run it as root: it asks the nucleus as the components that run.
Every field of the configuration: device/config/REFERENCE.md`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  config?: string;
  set: string[];
  dataDir?: string;
  greengrass?: string;
  write?: true;
  json?: true;
}

/** What a component runs by, and what it keeps of its deployments. */
interface Side {
  loaded: LoadedConfig;
  kept: KeptHere;
}

async function main(): Promise<number> {
  const options = program.opts<Options>();
  const core = options.greengrass === undefined ? undefined : await readCore(options.greengrass);
  const [monitor, handler] = core === undefined ? await alone(options) : await deployed(options, core);
  const reports = await examine({
    monitor: monitor.loaded.config,
    handler: handler.loaded.config,
    ...(core === undefined ? {} : { core }),
    kept: [monitor.kept, handler.kept],
    machine: thisMachine(),
    machineClock: systemMachineClock(),
    write: options.write === true,
  });
  const { config } = monitor.loaded;
  const versions = [...new Set([monitor.loaded.version, handler.loaded.version])].join(' and ');
  await print(
    options.json === true
      ? `${reportJson(reports)}\n`
      : `${software} · device ${config.deviceId} · configuration ${versions}\n${renderReport(reports, layout())}`,
  );
  return countOf(reports).fail > 0 ? 1 : 0;
}

/** Both components by one configuration. What a deployment gave is looked at as the component has it in force. */
async function alone(options: Options): Promise<[Side, Side]> {
  const layers = { ...given(options), env: process.env };
  const { dataDir } = (await loadConfig(layers)).config.store;
  const kept = [keptIn(dataDir, 'sensor-monitor'), keptIn(dataDir, 'anomaly-handler')] as const;
  const [deployment] = kept.flatMap(({ read }) => (read.ok && read.kept.lastGood ? [read.kept.lastGood] : []));
  const loaded = await loadConfig({ ...layers, deployment: deployment?.deployment });
  return [
    { loaded, kept: kept[0] },
    { loaded, kept: kept[1] },
  ];
}

/** Until a deployment has been in force: what every recipe says. */
const ofRecipes = { transport: { kind: 'greengrass-ipc' }, secrets: { kind: 'greengrass' } };

/** Each component as its nucleus configures it. */
async function deployed(options: Options, { monitor, handler }: Core): Promise<[Side, Side]> {
  const side = async ({ program, workPath, process }: CoreComponent): Promise<Side> => {
    const kept = keptIn(workPath, program);
    const lastGood = kept.read.ok ? kept.read.kept.lastGood : null;
    const env = process.state === 'runs' ? process.env : { [environmentName(['store', 'dataDir'])]: workPath };
    const thingName = env['AWS_IOT_THING_NAME'];
    const deployment = lastGood?.deployment ?? ofRecipes;
    return { loaded: await loadConfig({ ...given(options), env, thingName, deployment }), kept };
  };
  return [await side(monitor), await side(handler)];
}

function given({ config, set, dataDir }: Options) {
  return {
    ...(config === undefined ? {} : { file: config }),
    set: [...set, ...(dataDir === undefined ? [] : [`store.dataDir=${dataDir}`])],
  };
}

function keptIn(dataDir: string, component: ProgramName): KeptHere {
  const { path, read } = keptConfigurationFile(dataDir, component);
  return { component, path, read: read() };
}

function layout() {
  const { isTTY, columns } = process.stdout;
  const { NO_COLOR: noColour } = process.env;
  return { colour: isTTY === true && (noColour ?? '') === '', width: isTTY ? columns : undefined };
}

function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

// Left at once: something that hangs, which is what was told, would hold the process.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`${error.message}\n`, () => process.exit(2));
  },
);
