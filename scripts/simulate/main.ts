import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CommanderError } from 'commander';
import type { AnomalyMessage } from '../../device/anomaly/anomaly.ts';
import { type LoadedConfig, loadConfig } from '../../device/config/load.ts';
import { AppError } from '../../device/platform/errors.ts';
import { createLogger, type Logger } from '../../device/platform/logger.ts';
import { systemTime } from '../../device/platform/time.ts';
import { runUntilSignal } from '../../device/run-until-signal.ts';
import { createRuntime, type Runtime } from '../../device/runtime.ts';
import { findScenario, type Scenario, scenarios } from '../../device/sensor/mock/scenarios.ts';
import { firstTimestamp } from '../../device/sensor/replay/recording.ts';
import { claimDataDir, isUsedDataDir, lockForRun, resetDataDir } from './data-dir.ts';
import { exitCodes, parseOptions, type SimulateOptions } from './options.ts';
import {
  auditSettingsOf,
  beginAudit,
  checkSummaryFile,
  keepAuditSettings,
  outcomeOf,
  writeSummary,
} from './outcome.ts';
import { type Simulation, startSimulation } from './simulation.ts';
import { type Summary, summaryLines } from './summary.ts';
import { openReadingTrace } from './trace.ts';
import { createView } from './view.ts';
import { createViewFeed } from './view-feed.ts';

/** How often the view is fed and the end is looked for, ms. */
const beatMs = 250;
/** Without `--duration`, a run that waits for its incidents goes on for so long beyond its scenario. */
const patienceMs = 60_000;
/** People work in the table as well: it is read anew every two seconds. */
const beatsBetweenReads = 8;
const largestLogBytes = 10_000_000;
/** A local instance commits what it commits at once, so little has to settle. */
const localSettleMs = 2_000;

async function main(): Promise<void> {
  let options: SimulateOptions;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.wrongOptions);
  }
  if (options.listScenarios) {
    const width = Math.max(...scenarios.map(({ name }) => name.length));
    for (const { name, title } of scenarios) process.stdout.write(`${name.padEnd(width)}  ${title}\n`);
    return;
  }
  let prepared: Prepared;
  try {
    prepared = await prepare(options);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(wrongUse.includes(error.reason) ? exitCodes.wrongOptions : exitCodes.couldNotRun);
  }
  const runtime = createRuntime({ time: systemTime, logger: prepared.logger });
  await runUntilSignal(runtime, () => run(runtime, options, prepared));
}

const wrongUse = [
  'bad-configuration',
  'unknown-scenario',
  'not-local',
  'foreign-folder',
  'replay-file',
  'replay-columns',
];

interface Prepared {
  /** On the data folder, until all else has stopped. */
  lock: { release(): void };
  scenario: Scenario | undefined;
  loaded: LoadedConfig;
  recordingStartMs: number | undefined;
  logger: Logger;
  title: string;
}

/** Everything that can be wrong before anything runs. */
async function prepare(options: SimulateOptions): Promise<Prepared> {
  const scenario = options.scenario === undefined ? undefined : findScenario(options.scenario);
  if (options.scenario !== undefined && scenario === undefined) {
    throw new AppError(
      'unknown-scenario',
      `There is no scenario "${options.scenario}". There are: ${scenarios.map(({ name }) => name).join(', ')}.`,
    );
  }
  const loaded = await loadConfig({
    overlay: overlayOf(options, scenario),
    ...(options.configFile === undefined ? {} : { file: options.configFile }),
    env: process.env,
    set: options.set,
  });
  refuseOtherWorlds(loaded);
  const { kind, replay } = loaded.config.sensor;
  const recordingStartMs = kind === 'replay' ? firstTimestamp(replay.file, replay.columns) : undefined;
  // The folder first: the summary may lie in it.
  claimDataDir(options.dataDir);
  const lock = lockForRun(options.dataDir);
  if (options.summaryFile !== undefined) checkSummaryFile(options.summaryFile);
  if (kind === 'replay' && !options.reset && isUsedDataDir(options.dataDir)) {
    throw new AppError(
      'not-local',
      `${options.dataDir} holds the state of an earlier run, and a recording begins anew: add --reset, or choose another folder with --data-dir.`,
    );
  }
  if (options.reset) resetDataDir(options.dataDir);
  return {
    lock,
    scenario,
    loaded,
    recordingStartMs,
    logger: openLog(options.dataDir, loaded.config.log.level),
    title: scenario?.title ?? `Recording ${shown(replay.file)}`,
  };
}

/** Relative where it lies below the current folder. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

/** Short delays and what the options choose, under what the user's own layers say. */
function overlayOf({ replay, consolePort }: SimulateOptions, scenario: Scenario | undefined): unknown {
  const local = { settleMs: localSettleMs };
  const http = { handlerPort: consolePort };
  // A free port is known only once it is taken.
  const console = consolePort === 0 ? {} : { url: `http://127.0.0.1:${consolePort}` };
  if (replay !== undefined) {
    const { file, columns, speed } = replay;
    const recording = { file, speed, ...(columns === undefined ? {} : { columns }) };
    return { sensor: { kind: 'replay', replay: recording }, delivery: local, http, console };
  }
  const { sensor = {}, delivery = {}, ...rest } = scenario?.configuration ?? {};
  const mock = { ...sensor.mock, scenario: scenario?.name };
  return { ...rest, sensor: { ...sensor, mock }, delivery: { ...local, ...delivery }, http, console };
}

/** Fields whose values are this world's own: what they name must not be written to by mistake. */
const ownFields = [
  'serviceNow.url',
  'serviceNow.table',
  'transport.kind',
  'transport.mqtt.url',
  'secrets.kind',
  'store.dataDir',
];

function refuseOtherWorlds({ origin }: LoadedConfig): void {
  for (const field of ownFields) {
    const layer = origin(field);
    if (layer === 'default' || layer === 'scenario') continue;
    throw new AppError(
      'not-local',
      `${field} is given (${layer}), but npm start brings its own broker and ServiceNow and writes to no other. ` +
        'Leave it out; for a real instance run the components themselves (README, “On a Raspberry Pi”).',
    );
  }
}

/** The view has the terminal, so the log goes to a file. */
function openLog(dataDir: string, level: string): Logger {
  const file = join(dataDir, 'simulate.log');
  if (existsSync(file) && statSync(file).size > largestLogBytes) renameSync(file, `${file}.1`);
  return createLogger({ level, destination: file });
}

async function run(runtime: Runtime, options: SimulateOptions, prepared: Prepared): Promise<number> {
  const { lock, loaded, scenario, recordingStartMs, logger, title } = prepared;
  await runtime.start('the lock of the data folder', { stop: lock.release });
  const startedAtMs = systemTime.monotonicMs();
  const elapsedMs = () => systemTime.monotonicMs() - startedAtMs;
  const runId = randomUUID();
  const eventTimeMs = recordingStartMs ?? systemTime.wallMs();
  const settings = beginAudit(options.dataDir, auditSettingsOf(loaded.config), eventTimeMs);
  const trace = openReadingTrace(options.dataDir);
  await runtime.start('the trace of readings', { stop: trace.close });
  keepAuditSettings(options.dataDir, settings);
  const view = createView({ stream: process.stdout, env: process.env, time: systemTime });
  await runtime.start('the view', { stop: () => view.stop([]) });
  const passwordIn = shown(join(options.dataDir, 'servicenow', 'credentials.json'));
  const feed = createViewFeed({ view, config: loaded.config, title, passwordIn });
  const anomalies = new Map<string, AnomalyMessage>();
  const simulation = await startSimulation(runtime, {
    loaded,
    dataDir: options.dataDir,
    serviceNowPort: options.serviceNowPort,
    brokerPort: options.brokerPort,
    scenario,
    recordingStartMs,
    logger,
    listeners: {
      onReading(reading) {
        trace.add(reading, runId);
        feed.reading(reading);
      },
      onAnomaly(message) {
        anomalies.set(message.id, message);
        feed.anomaly(message);
      },
      onTold: feed.told,
    },
  });

  let settledUntilMs = simulation.time.wallMs();
  let summary: Summary | undefined;
  /** Once; at the end of the run, or when a signal ends it, while everything can still be asked. */
  function conclude(): Summary {
    if (summary !== undefined) return summary;
    const { read, published, faults } = simulation.monitor.status().readings;
    if (isDelivered(simulation)) settledUntilMs = simulation.time.wallMs();
    feed.show(simulation, elapsedMs());
    keepAuditSettings(options.dataDir, { ...settings, settledUntilMs });
    summary = outcomeOf({
      ...{ settings, trace, settledUntilMs, serviceNow: simulation.world.serviceNow },
      readings: { read, published, failed: faults },
      anomalies: anomalies.values(),
      watchedUntilMs: simulation.watchedUntilMs(),
    });
    view.stop([...summaryLines(summary), ...pageLines(simulation)]);
    if (options.summaryFile !== undefined) writeSummary(options.summaryFile, summary);
    return summary;
  }

  const over = await runtime.start(
    'the end of the run',
    endOf(simulation, options, scenario, elapsedMs, (beat) => {
      if (isDelivered(simulation)) settledUntilMs = simulation.time.wallMs();
      if (beat % beatsBetweenReads === 0) feed.refresh();
      feed.show(simulation, elapsedMs());
    }),
  );
  await runtime.start('the summary', { stop: () => void conclude() });
  const code = await over.ended;
  const { lost, duplicates } = conclude();
  return code === exitCodes.done && lost + duplicates > 0 ? exitCodes.lostOrDoubled : code;
}

/** Where people look. The pages go with the run and come back with the next one on its folder, under the same token. */
function pageLines({ world, consoleLink }: Simulation): string[] {
  const link = consoleLink();
  return [`Incidents: ${world.serviceNow.url}/`, ...(link === undefined ? [] : [`Device console: ${link}`])];
}

/** Beats until `run` is over, by whichever of its ends comes first; a signal is not its business. */
function endOf(
  simulation: Simulation,
  { durationMs, exitWhenResolved, replay }: SimulateOptions,
  scenario: Scenario | undefined,
  elapsedMs: () => number,
  onBeat: (beat: number) => void,
) {
  const patience = exitWhenResolved && replay === undefined ? (scenario?.durationMs ?? 0) + patienceMs : Infinity;
  const limitMs = durationMs ?? patience;
  let timer: NodeJS.Timeout | undefined;
  let beats = 0;
  const ended = new Promise<number>((resolve, reject) => {
    timer = setInterval(() => {
      onBeat(beats++);
      if (exitWhenResolved && isResolved(simulation)) resolve(exitCodes.done);
      else if (elapsedMs() >= limitMs) resolve(exitWhenResolved ? exitCodes.notResolvedInTime : exitCodes.done);
    }, beatMs);
    simulation.ended.then(() => resolve(exitCodes.done), reject);
  });
  return { ended, stop: () => clearInterval(timer) };
}

/** Whether all that has happened is in the ServiceNow; what waits for its quiet period is not due. */
function isDelivered({ monitor, handler }: Simulation): boolean {
  return monitor.status().messages.waiting === 0 && handler.status().relay.keys === 0;
}

/** Whether an incident was opened, reopened or found open in this run, and none is left to be resolved. */
function isResolved(simulation: Simulation): boolean {
  const { relay, counts } = simulation.handler.status();
  return relay.told.resolved > 0 && counts.firing === 0 && counts.entries === 0 && isDelivered(simulation);
}

await main();
