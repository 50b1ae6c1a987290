import type { CfnCondition, CfnParameter } from 'aws-cdk-lib';
import { CfnComponentVersion, CfnDeployment } from 'aws-cdk-lib/aws-greengrassv2';
import type { CfnThingGroup } from 'aws-cdk-lib/aws-iot';
import { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import {
  deployedComponents,
  deploymentPolicies,
  handlerComponent,
  monitorComponent,
  type OwnComponent,
  ownComponents,
  type Settings,
} from './definition.ts';
import { arnsOf, type Names, type Place } from './names.ts';
import { recipe } from './recipe.ts';

export interface FleetDeploymentProps {
  stage: Stage;
  names: Names;
  place: Place;
  /** What is deployed to. */
  group: CfnThingGroup;
  settings: Pick<Settings, 'tempLimit' | 'humidLimit'>;
  snowUrl: CfnParameter;
  secretArn: string;
  /** Whether the zips are in the bucket, and so components can be made of them. */
  condition: CfnCondition;
}

/** The components in their present version, and their deployment to the thing group. */
export class FleetDeployment extends Construct {
  constructor(scope: Construct, id: string, props: FleetDeploymentProps) {
    super(scope, id);
    const { stage, names, place, group, settings, snowUrl, secretArn, condition } = props;
    const places = { bucket: names.bucket, prefix: '', secretArn: arnsOf(names, place).partialSecret };
    const placed = ownComponents.map((name) => ({ id: idOf[name], ...recipe(name, places) }));
    const versions = placed.map(({ id: component, inlineRecipe }) => {
      const version = new CfnComponentVersion(this, component, { inlineRecipe });
      // A version of before stays where state is kept, so that one can go back to it.
      version.applyRemovalPolicy(stage.removalPolicy);
      return version;
    });
    const versionOf = (name: OwnComponent) => placed.find((one) => one.name === name)?.version ?? '';
    const deployment = new CfnDeployment(this, 'Deployment', {
      targetArn: arnsOf(names, place).thingGroup,
      deploymentName: names.thingGroup,
      components: deployedComponents(
        { [monitorComponent]: versionOf(monitorComponent), [handlerComponent]: versionOf(handlerComponent) },
        { ...settings, snowUrl: snowUrl.valueAsString },
        { secretArn, roleAlias: names.roleAlias },
      ),
      deploymentPolicies,
    });
    deployment.node.addDependency(group, ...versions);
    for (const resource of [...versions, deployment]) resource.cfnOptions.condition = condition;
  }
}

const idOf: Record<OwnComponent, string> = {
  [monitorComponent]: 'SensorMonitor',
  [handlerComponent]: 'AnomalyHandler',
};
