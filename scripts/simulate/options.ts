import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { defaultScenario } from '../../device/sensor/mock/scenarios.ts';
import { parseDuration } from '../parse-duration.ts';

/** What `npm start -- …` was asked for. */
export interface SimulateOptions {
  /** Undefined in a replay. */
  scenario: string | undefined;
  listScenarios: boolean;
  replay: { file: string; columns: Readonly<Record<string, string>> | undefined; speed: number | 'max' } | undefined;
  /** Ends by itself after so long, ms. */
  durationMs: number | undefined;
  exitWhenResolved: boolean;
  configFile: string | undefined;
  set: readonly string[];
  dataDir: string;
  reset: boolean;
  summaryFile: string | undefined;
  serviceNowPort: number;
  brokerPort: number;
  /** Of the device console, health and metrics of the handler. */
  consolePort: number;
}

/** Exit codes of `npm start`, for scripts. */
export const exitCodes = {
  done: 0,
  couldNotRun: 1,
  wrongOptions: 2,
  lostOrDoubled: 3,
  notResolvedInTime: 4,
} as const;

/** @throws CommanderError for options that cannot be, and after the help. */
export function parseOptions(argv: readonly string[]): SimulateOptions {
  const program = new Command('npm start --')
    .description(
      'The whole way on this machine: a sensor, an MQTT broker, the sensor monitor, the anomaly handler and a local ServiceNow.',
    )
    .option('--scenario <name>', `what the simulated sensor plays (default ${defaultScenario})`)
    .option('--list-scenarios', 'list the scenarios and end')
    .option('--replay <file.csv>', 'read a recording instead of the simulated sensor')
    .option('--columns <mapping>', 'columns of the recording: timestamp=…,temperature=…,humidity=…', parseColumns)
    .option('--speed <n>', 'speed of a replay: 1 is real time, max does not wait', parseSpeed, 1)
    .option('--duration <time>', 'end after so long: 90s, 5m, 2h, or seconds', parseDuration)
    .option('--exit-when-resolved', 'end once an incident has opened and all are resolved')
    .option('--config <file>', 'configuration, YAML or JSON')
    .option('--set <path=value>', 'one field of the configuration; repeatable', collect, [])
    .option(
      '--data-dir <folder>',
      'all state: a new folder, or that of an earlier run (default data; a replay without it uses data/replay and empties it)',
    )
    .option('--reset', 'empty the data folder first')
    .option('--summary <file>', 'write what was found as JSON at the end')
    .option('--servicenow-port <number>', 'port of the local ServiceNow; 0 takes any free one', parsePort, 8088)
    .option('--broker-port <number>', 'port of the MQTT broker; 0 takes any free one', parsePort, 0)
    .option('--console-port <number>', 'port of the device console; 0 takes any free one', parsePort, 8089)
    .addHelpText(
      'after',
      `
Exit codes: ${exitCodes.done} all well, ${exitCodes.couldNotRun} could not run, ${exitCodes.wrongOptions} wrong options, ${exitCodes.lostOrDoubled} the audit found a breach lost or doubled,
${exitCodes.notResolvedInTime} --exit-when-resolved and the time was over before.
Every field of the configuration: device/config/REFERENCE.md`,
    )
    .exitOverride()
    .parse(argv, { from: 'user' });

  const raw = program.opts<{
    scenario?: string;
    listScenarios?: true;
    replay?: string;
    columns?: Record<string, string>;
    speed: number | 'max';
    duration?: number;
    exitWhenResolved?: true;
    config?: string;
    set: string[];
    dataDir?: string;
    reset?: true;
    summary?: string;
    servicenowPort: number;
    brokerPort: number;
    consolePort: number;
  }>();
  if (raw.replay !== undefined && raw.scenario !== undefined) {
    program.error('error: --scenario and --replay exclude each other: a recording has its own weather.');
  }
  for (const name of ['columns', 'speed'] as const) {
    if (raw.replay === undefined && program.getOptionValueSource(name) === 'cli') {
      program.error(`error: --${name} belongs to --replay <file.csv>.`);
    }
  }
  return {
    scenario: raw.replay === undefined ? (raw.scenario ?? defaultScenario) : undefined,
    listScenarios: raw.listScenarios === true,
    replay:
      raw.replay === undefined ? undefined : { file: resolve(raw.replay), columns: raw.columns, speed: raw.speed },
    durationMs: raw.duration,
    exitWhenResolved: raw.exitWhenResolved === true,
    configFile: raw.config,
    set: raw.set,
    dataDir: resolve(raw.dataDir ?? (raw.replay === undefined ? 'data' : 'data/replay')),
    reset: raw.reset === true || (raw.replay !== undefined && raw.dataDir === undefined),
    summaryFile: raw.summary,
    serviceNowPort: raw.servicenowPort,
    brokerPort: raw.brokerPort,
    consolePort: raw.consolePort,
  };
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function parseColumns(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=');
    const [metric, column] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (at < 0 || metric === '' || column === '') {
      throw new InvalidArgumentError(`"${pair}" is not metric=column; write timestamp=…,temperature=…,humidity=….`);
    }
    return [metric, column];
  });
  return Object.fromEntries(pairs);
}

function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = Number(text);
  if (!(speed > 0 && Number.isFinite(speed))) throw new InvalidArgumentError('Give a number above 0, or max.');
  return speed;
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('Give a number from 0 to 65535.');
  }
  return Number(text);
}
