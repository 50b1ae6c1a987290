import {
  DescribeComponentCommand,
  GetDeploymentCommand,
  type GreengrassV2Client,
  paginateListComponentVersions,
  paginateListDeployments,
} from '@aws-sdk/client-greengrassv2';
import { AppError } from '../../device/platform/errors.ts';
import { orAbsent } from './aws-error.ts';
import { contentTag, markKey, markValue } from './marks.ts';
import type { FoundComponentVersion, FoundDeployment } from './state.ts';

/** All versions of one component; none where it is unknown. */
export async function findComponentVersions(
  greengrass: GreengrassV2Client,
  name: string,
  arn: string,
): Promise<FoundComponentVersion[]> {
  const versions: FoundComponentVersion[] = [];
  try {
    for await (const { componentVersions = [] } of paginateListComponentVersions({ client: greengrass }, { arn })) {
      for (const { arn: versionArn } of componentVersions) {
        if (versionArn === undefined) continue;
        const found = await orAbsent(greengrass.send(new DescribeComponentCommand({ arn: versionArn })));
        if (found === undefined) continue;
        const content = found.tags?.[contentTag];
        versions.push({
          name,
          version: found.componentVersion ?? '',
          arn: versionArn,
          made: found.tags?.[markKey] === markValue,
          ...(content === undefined ? {} : { content }),
          state: found.status?.componentState ?? 'UNKNOWN',
          message: found.status?.message ?? '',
        });
      }
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'absent') throw error;
  }
  return versions;
}

/** The present deployment of the group and its history. */
export async function findDeployments(greengrass: GreengrassV2Client, targetArn: string): Promise<FoundDeployment[]> {
  const deployments: FoundDeployment[] = [];
  const pages = paginateListDeployments({ client: greengrass }, { targetArn, historyFilter: 'ALL' });
  for await (const { deployments: listed = [] } of pages) {
    for (const { deploymentId, isLatestForTarget } of listed) {
      if (deploymentId === undefined) continue;
      const found = await orAbsent(greengrass.send(new GetDeploymentCommand({ deploymentId })));
      if (found === undefined) continue;
      deployments.push({
        id: deploymentId,
        status: found.deploymentStatus ?? 'UNKNOWN',
        latest: isLatestForTarget === true,
        made: found.tags?.[markKey] === markValue,
        components: Object.fromEntries(
          Object.entries(found.components ?? {}).map(
            ([name, { componentVersion = '', configurationUpdate: { merge } = {} }]) => [
              name,
              { componentVersion, ...(merge === undefined ? {} : { configurationUpdate: { merge } }) },
            ],
          ),
        ),
        policies: found.deploymentPolicies,
      });
    }
  }
  return deployments;
}
