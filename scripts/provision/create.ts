import { DescribeEndpointCommand } from '@aws-sdk/client-iot';
import { AppError } from '../../device/platform/errors.ts';
import { writeBundle } from './bundle.ts';
import type { Context } from './context.ts';
import { lookUp } from './look-up.ts';
import { certificateOf, plan } from './plan.ts';
import { runSteps } from './run-steps.ts';
import type { Desired, Found } from './state.ts';
import { type Step, titleOf } from './step.ts';

export interface CreateOptions {
  desired: Desired;
  context: Context;
  dryRun: boolean;
  rootCa: string;
  bundleFile: string;
  print: (line: string) => void;
}

/**
 * Looks up, plans, shows the plan, carries it out, looks up again, and writes the bundle. Run again after any failure it
 * does what is left.
 * @returns what is found in the end; undefined after a dry run
 * @throws AppError `conflict`, `incomplete`, or that of a step
 */
export async function create(options: CreateOptions): Promise<Found | undefined> {
  const { desired, context, dryRun, print } = options;
  const found = await look(options);
  const steps = stepsFor(desired, found);
  printPlan(steps, desired, print);
  if (dryRun) return undefined;
  const certificate = certificateOf(desired.keyId, found)?.arn;
  if (certificate !== undefined) context.known.certificate = certificate;
  if (found.secret !== undefined) context.known.secret = found.secret.arn;
  if (steps.some(({ kind }) => kind === 'create-secret' || kind === 'update-secret')) {
    // Asked for before the progress begins, which would write over the question.
    const value = await context.secretValue();
    context.secretValue = async () => value;
  }
  if (steps.length > 0) await runSteps(steps, context);
  const after = steps.length > 0 ? await lookUntilSettled(options) : found;
  await bundle(options, after);
  return after;
}

async function look({ desired, context }: CreateOptions): Promise<Found> {
  return lookUp(context.clients, desired.names, desired.place, desired.keyId);
}

const settlingLooks = 10;
const betweenLooksMs = 3_000;

/** Lists of AWS show what was made some seconds later. */
async function lookUntilSettled(options: CreateOptions): Promise<Found> {
  const { desired, context } = options;
  for (let looks = 1; ; looks += 1) {
    const found = await look(options);
    const left = stepsFor({ ...desired, updateSecret: false }, found);
    if (left.length === 0) return found;
    if (looks === settlingLooks) {
      throw new AppError(
        'not-settled',
        `AWS does not show all of it yet (${left.map((step) => titleOf(step, desired.names)).join('; ')}). Run this again in a minute.`,
      );
    }
    await context.pause(betweenLooksMs);
  }
}

function stepsFor(desired: Desired, found: Found): Step[] {
  const planned = plan(desired, found);
  if (planned.ok) return planned.steps;
  throw new AppError(planned.reason, planned.message);
}

function printPlan(steps: readonly Step[], { names, place }: Desired, print: (line: string) => void): void {
  const where = `account ${place.account}, ${place.region}`;
  print(
    steps.length === 0
      ? `Nothing to do: ${names.thing} is as it should be (${where}).`
      : `Plan for ${names.thing} (${where}):`,
  );
  steps.forEach((step, index) => {
    print(`${String(index + 1).padStart(4)}. ${titleOf(step, names)}`);
  });
}

async function bundle({ desired, context, rootCa, bundleFile, print }: CreateOptions, found: Found): Promise<void> {
  const certificate = certificateOf(desired.keyId, found);
  if (certificate === undefined) throw new AppError('bug', 'All steps are done and there is no certificate.');
  const { names, place } = desired;
  await writeBundle(bundleFile, {
    certificate: certificate.pem,
    rootCa,
    facts: {
      format: 1,
      thing: names.thing,
      region: place.region,
      roleAlias: names.roleAlias,
      dataEndpoint: await endpoint(context, 'iot:Data-ATS'),
      credentialsEndpoint: await endpoint(context, 'iot:CredentialProvider'),
    },
  });
  print(`\nBundle for the Pi: ${bundleFile} (certificate, endpoints and authority; no key). Bring it there, and run:`);
  print(`  sudo npm run provision -- install ${bundleFile}`);
  const old = found.thing?.keyIds.filter((keyId) => keyId !== desired.keyId) ?? [];
  if (old.length > 0) {
    print(
      `\nThe certificates of ${old.length} earlier key(s) still work. Once the Pi runs with the new one: create --retire-old-keys.`,
    );
  }
}

async function endpoint({ clients }: Context, endpointType: string): Promise<string> {
  const { endpointAddress } = await clients.iot.send(new DescribeEndpointCommand({ endpointType }));
  if (endpointAddress !== undefined) return endpointAddress;
  throw new AppError('aws-refused', `AWS IoT names no endpoint of the type ${endpointType} in this region.`);
}
