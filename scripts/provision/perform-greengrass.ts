import {
  CancelDeploymentCommand,
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  DeleteComponentCommand,
  DeleteCoreDeviceCommand,
  DeleteDeploymentCommand,
  DescribeComponentCommand,
} from '@aws-sdk/client-greengrassv2';
import { deployedComponents, deploymentPolicies } from '../../cloud/greengrass/definition.ts';
import { arnsOf } from '../../cloud/greengrass/names.ts';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import { type Context, known, onceLetGo } from './context.ts';
import { contentTag, markTags } from './marks.ts';
import type { PackagedComponent } from './state.ts';
import type { Step } from './step.ts';

const pollMs = 2_000;
/** Greengrass fetches the artifacts and digests them; a minute is long. */
const mostPolls = 150;

export async function createComponent(context: Context, component: PackagedComponent): Promise<void> {
  const { arn } = await context.clients.greengrass.send(
    new CreateComponentVersionCommand({
      inlineRecipe: new TextEncoder().encode(component.recipe),
      tags: { ...markTags, [contentTag]: component.content },
    }),
  );
  const { names, place } = context;
  await awaitComponent(context, arn ?? arnsOf(names, place).componentVersion(component.name, component.version));
}

/** @throws AppError `component-failed`, `component-slow` */
export async function awaitComponent({ clients, pause }: Context, arn: string): Promise<void> {
  for (let poll = 0; poll < mostPolls; poll += 1) {
    const { status } = await clients.greengrass.send(new DescribeComponentCommand({ arn }));
    if (status?.componentState === 'DEPLOYABLE') return;
    if (status?.componentState === 'FAILED') {
      const why = [status.message, ...Object.entries(status.errors ?? {}).map((one) => one.join(': '))].join(' ');
      throw new AppError(
        'component-failed',
        `Greengrass cannot use ${arn}: ${why}. Mend that and run this again: the failed version is replaced.`,
      );
    }
    await pause(pollMs);
  }
  throw new AppError(
    'component-slow',
    `${arn} is not deployable after ${(pollMs * mostPolls) / 60_000} minutes. Run this again.`,
  );
}

export async function deploy(
  context: Context,
  { settings, versions }: Extract<Step, { kind: 'deploy' }>,
): Promise<void> {
  const { clients, names, place } = context;
  const secretArn = known(context, 'secret');
  await clients.greengrass.send(
    new CreateDeploymentCommand({
      targetArn: arnsOf(names, place).thingGroup,
      deploymentName: names.thingGroup,
      components: deployedComponents(versions, settings, { secretArn, roleAlias: names.roleAlias }),
      deploymentPolicies,
      tags: markTags,
    }),
  );
}

export async function removeDeployment(context: Context, deploymentId: string, active: boolean): Promise<void> {
  const { greengrass } = context.clients;
  if (active) await orAbsent(greengrass.send(new CancelDeploymentCommand({ deploymentId })));
  await onceLetGo(context, () => greengrass.send(new DeleteDeploymentCommand({ deploymentId })));
}

export async function deleteComponent({ clients }: Context, arn: string): Promise<void> {
  await orAbsent(clients.greengrass.send(new DeleteComponentCommand({ arn })));
}

export async function deleteCoreDevice({ clients, names }: Context): Promise<void> {
  await orAbsent(clients.greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: names.thing })));
}
