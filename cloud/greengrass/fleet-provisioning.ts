import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { CfnPolicy, CfnProvisioningTemplate } from 'aws-cdk-lib/aws-iot';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { metricsNamespace, NodeFunction } from '../shared/node-function.ts';
import type { Stage } from '../stages.ts';
import {
  claimPolicy,
  claimPolicyName,
  mostClaims,
  parametersOf,
  registrationRights,
  registrationTrust,
  templateBody,
  templateName,
} from './fleet.ts';
import { arnsOf, type Names, type Place } from './names.ts';

export interface FleetProvisioningProps {
  stage: Stage;
  room: string;
  names: Names;
  place: Place;
}

/** From a claim certificate, which a batch of devices shares, to a certificate and a thing of its own for each. */
export class FleetProvisioning extends Construct {
  readonly registry: TableV2;
  readonly hook: NodeFunction;
  readonly template: CfnProvisioningTemplate;
  /** For claim certificates; they themselves are made by hand, so that no key comes near a template. */
  readonly claimPolicy: CfnPolicy;

  constructor(scope: Construct, id: string, { stage, room, names, place }: FleetProvisioningProps) {
    super(scope, id);
    this.registry = new TableV2(this, 'Registry', {
      partitionKey: { name: 'serialNumber', type: AttributeType.STRING },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    this.hook = new NodeFunction(this, 'Hook', {
      stage,
      room,
      entry: new URL('./admit.lambda.ts', import.meta.url),
      invoked: 'sync',
      // AWS IoT waits no longer.
      timeout: Duration.seconds(5),
      environment: {
        REGISTRY_TABLE: this.registry.tableName,
        MOST_CLAIMS: String(mostClaims),
        FLEET: JSON.stringify(parametersOf(names)),
      },
    });
    this.registry.grant(this.hook, 'dynamodb:UpdateItem');
    const permission = new CfnPermission(this, 'HookPermission', {
      action: 'lambda:InvokeFunction',
      functionName: this.hook.functionArn,
      principal: 'iot.amazonaws.com',
      sourceAccount: place.account,
      sourceArn: arnsOf(names, place).of('iot', `provisioningtemplate/${templateName}`),
    });
    const role = new CfnRole(this, 'RegistrationRole', {
      assumeRolePolicyDocument: registrationTrust(place),
      policies: [{ policyName: 'registration', policyDocument: registrationRights(names, place) }],
    });
    this.template = new CfnProvisioningTemplate(this, 'Template', {
      templateName,
      description: 'Makes a device of a claim whose serial number is registered',
      enabled: true,
      templateBody: Stack.of(this).toJsonString(templateBody),
      provisioningRoleArn: role.attrArn,
      preProvisioningHook: { payloadVersion: '2020-04-01', targetArn: this.hook.functionArn },
    });
    // AWS IoT tries whether it may call the hook when the template is made.
    this.template.node.addDependency(permission);
    this.claimPolicy = new CfnPolicy(this, 'ClaimPolicy', {
      policyName: claimPolicyName,
      // The local account signs no requests.
      policyDocument: claimPolicy(place, stage.name === 'local' ? ['create'] : ['create-from-csr']),
    });
    new RoomAlarm(this, 'RefusedClaims', {
      stage,
      room,
      watches: 'errors',
      metric: new Metric({
        ...{ namespace: metricsNamespace, metricName: 'ClaimsFailed', dimensionsMap: { service: room } },
        ...{ statistic: 'Sum', period: Duration.minutes(5) },
      }),
      threshold: 3,
      says: 'Three claims were refused within five minutes.',
      runbook: 'Refused claims',
    });
  }
}
