import { randomBytes } from 'node:crypto';
import { Command, CommanderError } from 'commander';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../platform/logger.ts';
import { systemTime } from '../platform/time.ts';
import { software } from '../platform/version.ts';
import { runUntilSignal } from '../run-until-signal.ts';
import { createRuntime, type Runtime } from '../runtime.ts';
import type { ComponentContext } from './component.ts';

/**
 * Runs one component as a process of its own, on real time, until SIGINT or SIGTERM. Configuration: defaults < file <
 * environment < --set. Exit codes as `runUntilSignal`, and 2 for wrong options.
 */
export async function runComponent(
  about: { name: string; description: string },
  start: (runtime: Runtime, context: ComponentContext) => Promise<unknown>,
): Promise<void> {
  const options = parse(about);
  const logger = createLogger({ level: 'info' });
  const runtime = createRuntime({ time: systemTime, logger });
  await runUntilSignal(runtime, async () => {
    const { config, version, origin } = await loadConfig({
      ...(options.config === undefined ? {} : { file: options.config }),
      env: process.env,
      set: options.set,
    });
    const pretty = config.log.pretty === 'true' || (config.log.pretty === 'auto' && process.stdout.isTTY);
    const componentLogger = createLogger({ level: config.log.level, pretty });
    await start(runtime, {
      config,
      configVersion: version,
      configOrigin: origin,
      software,
      logger: componentLogger,
      time: systemTime,
      deliveryTime: systemTime,
      random: Math.random,
      newId: () => randomBytes(16).toString('hex'),
    });
    componentLogger.info({ software, dataDir: config.store.dataDir, configVersion: version }, `${about.name} runs`);
    return undefined;
  });
}

function parse(about: { name: string; description: string }): { config?: string; set: string[] } {
  const program = new Command(about.name)
    .description(about.description)
    .option('--config <file>', 'configuration, YAML or JSON')
    .option(
      '--set <path=value>',
      'one field of the configuration; repeatable',
      (one, all: string[]) => [...all, one],
      [],
    )
    .exitOverride();
  try {
    return program.parse().opts<{ config?: string; set: string[] }>();
  } catch (error) {
    process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : 2);
  }
}
