import { fileURLToPath } from 'node:url';
import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Code,
  Function as LambdaFunction,
  type LayerVersion,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import { sharedWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';

export interface CustomRuntimeFunctionProps {
  stage: Stage;
  room: string;
  functionName: string;
  /** Folder of its code. */
  code: URL;
  handler: string;
  /** One of them has the `bootstrap`. */
  layers: LayerVersion[];
  timeout: Duration;
  memorySize: number;
  environment: Record<string, string>;
}

/** A function whose runtime comes in a layer, with what a `NodeFunction` has beside its Node. */
export class CustomRuntimeFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: CustomRuntimeFunctionProps) {
    const { stage, room, code, ...rest } = props;
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    const actions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    role.addToPolicy(new PolicyStatement({ actions, resources: [logGroup.logGroupArn] }));
    super(scope, id, {
      ...rest,
      code: Code.fromAsset(fileURLToPath(code)),
      runtime: Runtime.PROVIDED_AL2023,
      architecture: stage.architecture,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
    });
    for (const { reason } of sharedWildcards) acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reason);
    const period = Duration.minutes(1);
    const watch = (alarm: 'Errors' | 'Throttles', watches: 'errors' | 'throttles') =>
      new RoomAlarm(this, alarm, {
        ...{ stage, room, watches, threshold: 1, evaluationPeriods: 3, runbook: alarm },
        metric: alarm === 'Errors' ? this.metricErrors({ period }) : this.metricThrottles({ period }),
        says: `${id} of ${room} had ${watches} in each of three minutes.`,
      });
    watch('Errors', 'errors');
    watch('Throttles', 'throttles');
  }
}
