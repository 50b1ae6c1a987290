import {
  type EffectiveDeployment,
  GetCoreDeviceCommand,
  type InstalledComponent,
  paginateListEffectiveDeployments,
  paginateListInstalledComponents,
} from '@aws-sdk/client-greengrassv2';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import type { Context } from './context.ts';

/** What the cloud knows of the device; it hears of it at most every few seconds, and only while the Pi is online. */
export interface Observed {
  /** Undefined before the nucleus has connected for the first time. */
  core?: { status: string; nucleus: string };
  deployment?: { status: string; reason: string };
  components: { name: string; version: string; state: string; details: string }[];
}

export type Verdict =
  | { kind: 'waiting'; text: string }
  | { kind: 'succeeded'; text: string }
  | { kind: 'failed'; text: string };

/** What the observation means for the deployment. Pure. */
export function judge({ core, deployment, components }: Observed, thing: string): Verdict {
  if (core === undefined) {
    return {
      kind: 'waiting',
      text: `${thing} has not connected yet: install the bundle there, and start the nucleus.`,
    };
  }
  const device = `${thing} is ${core.status} (nucleus ${core.nucleus})`;
  if (deployment === undefined) return { kind: 'waiting', text: `${device}; it has not taken the deployment up yet.` };
  switch (deployment.status) {
    case 'SUCCEEDED': {
      const broken = components.filter(({ state }) => state === 'BROKEN' || state === 'ERRORED');
      if (broken.length === 0) return { kind: 'succeeded', text: `${device}; the deployment has succeeded.` };
      const names = broken.map(({ name, state }) => `${name} is ${state}`).join(', ');
      return {
        kind: 'failed',
        text: `${device}; the deployment has succeeded, but ${names}. Look at /greengrass/v2/logs on the Pi.`,
      };
    }
    case 'FAILED':
    case 'REJECTED':
    case 'TIMED_OUT':
    case 'CANCELED': {
      const why = deployment.reason === '' ? 'no reason given' : deployment.reason;
      return {
        kind: 'failed',
        text: `${device}; the deployment is ${deployment.status}: ${why}. The device has gone back to the one before. Look at /greengrass/v2/logs/greengrass.log on the Pi.`,
      };
    }
    default:
      return { kind: 'waiting', text: `${device}; the deployment is ${deployment.status}.` };
  }
}

export interface FollowOptions {
  context: Context;
  deploymentId: string;
  /** How long to wait at most. */
  limitMs: number;
  /** Between two looks. */
  pollMs: number;
  print: (line: string) => void;
}

/**
 * Looks until the device has carried the deployment out, and says what changes.
 * @throws AppError `deployment-failed`, `deployment-slow`
 */
export async function follow({ context, deploymentId, limitMs, pollMs, print }: FollowOptions): Promise<void> {
  const { thing } = context.names;
  let told = '';
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const observed = await observe(context, deploymentId);
    const verdict = judge(observed, thing);
    const lines = [verdict.text, ...observed.components.map(lineOf)].join('\n');
    if (lines !== told && verdict.kind !== 'failed') print(lines);
    told = lines;
    if (verdict.kind === 'succeeded') return;
    if (verdict.kind === 'failed') throw new AppError('deployment-failed', lines);
    if (waitedMs >= limitMs) {
      throw new AppError(
        'deployment-slow',
        `Not finished after ${Math.round(limitMs / 60_000)} minutes; the deployment goes on, and create --wait follows it again. ${verdict.text}`,
      );
    }
    await context.pause(pollMs);
  }
}

function lineOf({ name, version, state, details }: Observed['components'][number]): string {
  return `  ${name.padEnd(32)} ${version.padEnd(8)} ${state}${details === '' ? '' : `  ${details}`}`;
}

async function observe({ clients, names }: Context, deploymentId: string): Promise<Observed> {
  const coreDeviceThingName = names.thing;
  const { greengrass: client } = clients;
  const core = await orAbsent(client.send(new GetCoreDeviceCommand({ coreDeviceThingName })));
  if (core === undefined) return { components: [] };
  const effective: EffectiveDeployment[] = [];
  for await (const page of paginateListEffectiveDeployments({ client }, { coreDeviceThingName })) {
    effective.push(...(page.effectiveDeployments ?? []));
  }
  const installed: InstalledComponent[] = [];
  for await (const page of paginateListInstalledComponents(
    { client },
    { coreDeviceThingName, topologyFilter: 'ALL' },
  )) {
    installed.push(...(page.installedComponents ?? []));
  }
  const ours = effective.find((one) => one.deploymentId === deploymentId);
  return {
    core: { status: core.status ?? 'UNKNOWN', nucleus: core.coreVersion ?? 'unknown' },
    ...(ours === undefined
      ? {}
      : { deployment: { status: ours.coreDeviceExecutionStatus ?? 'UNKNOWN', reason: ours.reason ?? '' } }),
    components: installed.map(({ componentName = '', componentVersion = '', lifecycleState = '', ...rest }) => ({
      name: componentName,
      version: componentVersion,
      state: lifecycleState,
      details: rest.lifecycleStateDetails ?? '',
    })),
  };
}
