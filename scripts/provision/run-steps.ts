import { Listr } from 'listr2';
import { AppError } from '../../device/platform/errors.ts';
import type { Context } from './context.ts';
import { perform } from './perform.ts';
import { type Step, titleOf } from './step.ts';

/**
 * Carries the steps out one after the other and shows how far it is.
 * @throws AppError that names the step; what was done before it stays done
 */
export async function runSteps(steps: readonly Step[], context: Context): Promise<void> {
  const tasks = steps.map((step) => {
    const title = titleOf(step, context.names);
    return { title, task: () => named(title, perform(step, context)) };
  });
  await new Listr(tasks, {
    concurrent: false,
    exitOnError: true,
    renderer: process.stdout.isTTY ? 'default' : 'simple',
    registerSignalListeners: false,
  }).run();
}

async function named(title: string, performing: Promise<void>): Promise<void> {
  try {
    await performing;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.reason, `Could not ${title}: ${error.message}`, { cause: error });
  }
}
