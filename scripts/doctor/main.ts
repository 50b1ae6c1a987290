import { Command } from 'commander';
import { keptConfigurationFile } from '../../device/config/last-good.ts';
import { loadConfig } from '../../device/config/load.ts';
import { examine } from '../../device/doctor/doctor.ts';
import { thisMachine } from '../../device/doctor/machine.ts';
import { countOf, renderReport, reportJson } from '../../device/doctor/report.ts';
import { systemMachineClock } from '../../device/monitor/machine-clock.ts';
import { AppError } from '../../device/platform/errors.ts';
import { software } from '../../device/platform/version.ts';

/** `npm run doctor`: says what is missing on this machine, at the broker and at the instance, and what to do. */
const program = new Command('npm run doctor --')
  .description(
    'Checks this machine, the sensor, the broker, the credentials and the ServiceNow instance; changes nothing.',
  )
  .option('--config <file>', 'configuration, YAML or JSON')
  .option('--set <path=value>', 'one field of the configuration; repeatable', (one, all: string[]) => [...all, one], [])
  .option('--data-dir <folder>', 'all state; short for --set store.dataDir=…')
  .option('--write', 'make an incident, read it back, and cancel it')
  .option('--json', 'print the findings as JSON')
  .addHelpText(
    'after',
    `
Exit codes: 0 nothing failed, 1 something failed, 2 wrong options or configuration.
Under Greengrass run it as the components' user: sudo -u ggc_user npm run doctor
Every field of the configuration: device/config/REFERENCE.md`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

interface Options {
  config?: string;
  set: string[];
  dataDir?: string;
  write?: true;
  json?: true;
}

async function main(): Promise<number> {
  const options = program.opts<Options>();
  const set = [...options.set, ...(options.dataDir === undefined ? [] : [`store.dataDir=${options.dataDir}`])];
  const layers = { ...(options.config === undefined ? {} : { file: options.config }), env: process.env, set };
  const { dataDir } = (await loadConfig(layers)).config.store;
  const kept = ['sensor-monitor', 'anomaly-handler'].map((component) => {
    const { path, read } = keptConfigurationFile(dataDir, component);
    return { component, path, read: read() };
  });
  // What a deployment gave is looked at as the component has it in force.
  const [deployment] = kept.flatMap(({ read }) =>
    read.ok && read.kept.lastGood ? [read.kept.lastGood.deployment] : [],
  );
  const { config, version } = await loadConfig({ ...layers, deployment });
  const reports = await examine({
    config,
    kept,
    machine: thisMachine(),
    machineClock: systemMachineClock(),
    write: options.write === true,
  });
  await print(
    options.json === true
      ? `${reportJson(reports)}\n`
      : `${software} · device ${config.deviceId} · configuration ${version}\n${renderReport(reports, layout())}`,
  );
  return countOf(reports).fail > 0 ? 1 : 0;
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
