import { randomBytes } from 'node:crypto';
import { Command, CommanderError } from 'commander';
import { keptConfigurationFile } from '../config/last-good.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { createDeploymentConfiguration, type DeploymentConfiguration } from '../greengrass/configuration.ts';
import type { Ipc } from '../greengrass/ipc.ts';
import { createIpcClient, socketVariable } from '../greengrass/ipc-client.ts';
import { AppError, messageOf } from '../platform/errors.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { software } from '../platform/version.ts';
import { runUntilSignal } from '../run-until-signal.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import { type AppliedConfiguration, createAppliedConfiguration, type Launched } from './applied-configuration.ts';
import type { ComponentContext } from './component.ts';

export interface ComponentProgram {
  name: string;
  description: string;
  /** Its name under Greengrass. */
  component: string;
  /** Puts the component's parts on a runtime. */
  start(runtime: Runtime, context: ComponentContext): Promise<Pick<Launched, 'reconfigure'>>;
}

/** How long a start waits for the nucleus to tell the configuration, before it goes on with the last good one. */
const configurationWithinMs = 10_000;
/** A component is stopped within two seconds; the nucleus gives the process five. */
const stopBounds = { stopWithinMs: 3_500, partStopWithinMs: 2_500 };

/**
 * Runs one component as a process of its own, on real time, until SIGINT or SIGTERM. Configuration: defaults < file <
 * environment < deployment < --set; the deployment's is asked of the Greengrass nucleus that started the process, where
 * one did, and followed. Exit codes as `runUntilSignal`, and 2 for wrong options.
 */
export async function runComponent(program: ComponentProgram): Promise<void> {
  const options = parse(program);
  const logger = createLogger({ level: 'info' });
  const runtime = createRuntime({ time: systemTime, logger, ...stopBounds });
  const load = (deployment: unknown) =>
    loadConfig({
      ...(options.config === undefined ? {} : { file: options.config }),
      ...{ env: process.env, thingName: process.env['AWS_IOT_THING_NAME'], deployment, set: options.set },
    });
  await runUntilSignal(runtime, () =>
    process.env[socketVariable] === undefined
      ? runAlone({ program, runtime, load, logger })
      : runUnderGreengrass({ program, runtime, load, logger }),
  );
}

interface Run {
  program: ComponentProgram;
  runtime: Runtime;
  load: (deployment: unknown) => Promise<LoadedConfig>;
  logger: Logger;
}

async function runAlone({ program, runtime, load, logger }: Run): Promise<undefined> {
  const applied = createAppliedConfiguration({
    ...{ load, launch: launchOf(program, undefined), kept: undefined, time: systemTime, logger, failed: () => {} },
  });
  await runtime.start(program.name, { start: () => applied.start(undefined), stop: applied.stop });
  return undefined;
}

async function runUnderGreengrass({ program, runtime, load, logger }: Run): Promise<undefined> {
  const ipc = createIpcClient({
    ...{ env: process.env, component: program.component, logger, time: systemTime, random: Math.random },
  });
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<undefined>((_, reject) => {
    failed = reject;
  });
  // Before somebody waits for it, too.
  failure.catch(() => {});
  // Where the data is must not hang on what is read from it.
  const { dataDir } = (await load(undefined)).config.store;
  const applied: AppliedConfiguration = createAppliedConfiguration({
    ...{ load, launch: launchOf(program, ipc), kept: keptConfigurationFile(dataDir, program.name) },
    ...{ time: systemTime, logger, failed: (error) => failed(error) },
  });
  const deployment: DeploymentConfiguration = createDeploymentConfiguration({
    ...{ ipc, time: systemTime, logger, random: Math.random, judge: applied.judge },
    changed: (configuration) => void applied.offer(configuration),
  });
  await runtime.start('the connection to the nucleus', ipc);
  await runtime.start('the configuration of the deployment', deployment);
  let told = await deployment.first(configurationWithinMs);
  if (told === undefined && !applied.hasLastGood()) {
    logger.warn('the nucleus has not told the configuration, and there is no earlier one: waiting for it');
    told = await deployment.first();
  }
  /** Tells the nucleus why the process ends. */
  async function orErrored<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof AppError && error.reason === 'stopping') throw error;
      logger.error({ reason: messageOf(error) }, 'the component cannot run');
      await deployment.tellState('ERRORED');
      throw error;
    }
  }
  // Told inside of it: once a part has failed to start, the connection to the nucleus is stopped, too.
  await runtime.start(program.name, { start: () => orErrored(applied.start(told?.configuration)), stop: applied.stop });
  await deployment.tellState('RUNNING');
  return orErrored(failure);
}

/** Each launch has a runtime of its own, so that it can be stopped without the connection to the nucleus. */
function launchOf(program: ComponentProgram, ipc: Ipc | undefined) {
  return async (
    { config, version }: LoadedConfig,
    configuration: ComponentContext['configuration'],
    signal: AbortSignal,
  ): Promise<Launched> => {
    const pretty = config.log.pretty === 'true' || (config.log.pretty === 'auto' && process.stdout.isTTY);
    const logger = createLogger({ level: () => config.log.level, pretty });
    const runtime = createRuntime({ time: systemTime, logger });
    // Also while it starts, which may take its time on a busy machine.
    const onAbort = () => void runtime.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    const { reconfigure } = await program.start(runtime, {
      ...{ config, configuration, software, logger, time: systemTime, deliveryTime: systemTime, random: Math.random },
      newId: () => randomBytes(16).toString('hex'),
      ...(ipc === undefined ? {} : { ipc }),
    });
    logger.info({ software, dataDir: config.store.dataDir, configVersion: version }, `${program.name} runs`);
    return {
      reconfigure,
      async stop() {
        signal.removeEventListener('abort', onAbort);
        await runtime.stop();
      },
    };
  };
}

function parse(program: ComponentProgram): { config?: string; set: string[] } {
  const command = new Command(program.name)
    .description(program.description)
    .option('--config <file>', 'configuration, YAML or JSON')
    .option(
      '--set <path=value>',
      'one field of the configuration; repeatable',
      (one, all: string[]) => [...all, one],
      [],
    )
    .exitOverride();
  try {
    return command.parse().opts<{ config?: string; set: string[] }>();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : 2);
  }
}
