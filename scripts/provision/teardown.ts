import { defaultBucket } from '../../cloud/greengrass/names.ts';
import type { Context } from './context.ts';
import { lookUp } from './look-up.ts';
import { planTeardown } from './plan-teardown.ts';
import { runSteps } from './run-steps.ts';
import { titleOf } from './step.ts';

export interface TeardownOptions {
  context: Context;
  /** Delete the secret at once, for good. */
  force: boolean;
  dryRun: boolean;
  print: (line: string) => void;
}

/**
 * Removes what `create` made, and says what is kept and why.
 * @throws AppError that names the step; run again, it goes on
 */
export async function teardown({ context, force, dryRun, print }: TeardownOptions): Promise<void> {
  const { clients, names, place } = context;
  const found = await lookUp(clients, names, place);
  const { steps, kept } = planTeardown(found, { force, ownBucketName: names.bucket === defaultBucket(place) });
  const where = `account ${place.account}, ${place.region}`;
  print(
    steps.length === 0
      ? `Nothing to remove for ${names.thing} (${where}).`
      : `To remove for ${names.thing} (${where}):`,
  );
  steps.forEach((step, index) => {
    print(`${String(index + 1).padStart(4)}. ${titleOf(step, names)}`);
  });
  for (const { what, why } of kept) print(`Kept: ${what}; ${why}.`);
  if (dryRun || steps.length === 0) return;
  await runSteps(steps, context);
  if (steps.some((step) => step.kind === 'delete-secret' && !step.force)) {
    print(
      `\nThe secret ${names.secret} is deleted in 30 days; until then create restores it. At once: teardown --force.`,
    );
  }
}
