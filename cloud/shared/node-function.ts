import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  CfnFunction,
  type FunctionOptions,
  type ILayerVersion,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { acknowledge } from './acknowledge.ts';
import { RoomAlarm } from './alarm.ts';
import { bundle } from './bundle.ts';
import { DeadLetterQueue } from './resting-queue.ts';
import { joinsNetwork } from './rights.ts';
import { sharedWildcards } from './wildcards.ts';

/** Key in a function's metadata: its `entry`, below cloud/. A test compares what that calls with what the role may do. */
export const entryMetadata = 'entry';
/** The same of the extensions that run beside it with its role. */
export const extensionsMetadata = 'extensions';

/** Namespace of all metrics of cloud/; the dimension `service` is the room. */
export const metricsNamespace = 'GreengrassItsm';

export interface NodeFunctionProps {
  stage: Stage;
  /** Folder of the room. */
  room: string;
  /** `new URL('./verb.lambda.ts', import.meta.url)` */
  entry: URL;
  /** Folder of a page that it serves: see `bundle`. */
  page?: URL;
  /** Texts beside its code, by file name. */
  files?: Record<string, string>;
  /**
   * Who calls it, and so who sees that it failed. `async`: SNS, EventBridge, S3, IoT rules; gets a queue for dead
   * letters. `event-source`: Kinesis, SQS, DynamoDB streams; the queue is set at the source. `sync`: the caller.
   */
  invoked: 'async' | 'event-source' | 'sync';
  timeout: Duration;
  memorySize?: number;
  environment?: Record<string, string>;
  reservedConcurrentExecutions?: number;
  functionName?: string;
  /** Subnets that it stands in, and the groups that say whom it may reach. Without it it stands in a network of AWS. */
  network?: Required<Pick<FunctionOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'>>;
  /** How often Lambda itself tries an `async` call again, 0 to 2; 2 where it is not given. */
  retryAttempts?: 0 | 1 | 2;
}

/**
 * A Node function with what every function here has: its code in one bundle, a role of its own that holds its own log
 * group, X-Ray and what it is granted, logs with an end, alarms on errors and throttles, and where it is called
 * asynchronously a queue for dead letters.
 */
export class NodeFunction extends LambdaFunction {
  /** The queue for dead letters of an `async` function. */
  readonly deadLetters: DeadLetterQueue | undefined;
  private readonly extensions: string[] = [];

  constructor(scope: Construct, id: string, props: NodeFunctionProps) {
    const { stage, room, entry, invoked, timeout, memorySize = 256, environment = {}, functionName } = props;
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
    );
    // Apart, so that it is not merged with what each function may do everywhere.
    const joins = props.network === undefined ? undefined : joinNetwork(scope, `${id}Network`, role);
    const deadLetters =
      invoked === 'async' ? new DeadLetterQueue(scope, `${id}DeadLetters`, { stage, room }) : undefined;
    super(scope, id, {
      code: bundle(entry, props.page, props.files),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: stage.architecture,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
      timeout,
      memorySize,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: room,
        POWERTOOLS_METRICS_NAMESPACE: metricsNamespace,
        ...environment,
      },
      ...(deadLetters === undefined ? {} : { deadLetterQueue: deadLetters }),
      ...(functionName === undefined ? {} : { functionName }),
      ...(props.network ?? {}),
      ...(props.retryAttempts === undefined ? {} : { retryAttempts: props.retryAttempts }),
      ...(props.reservedConcurrentExecutions === undefined
        ? {}
        : { reservedConcurrentExecutions: props.reservedConcurrentExecutions }),
    });
    this.deadLetters = deadLetters;
    if (joins !== undefined) this.node.addDependency(joins);
    const { defaultChild } = this.node;
    if (defaultChild instanceof CfnFunction) defaultChild.addMetadata(entryMetadata, belowCloud(entry));
    for (const { reason } of sharedWildcards) acknowledge(role, 'AwsSolutions-IAM5[Resource::*]', reason);
    const period = Duration.minutes(1);
    new RoomAlarm(this, 'Errors', {
      stage,
      room,
      watches: 'errors',
      metric: this.metricErrors({ period }),
      threshold: 1,
      evaluationPeriods: 3,
      says: `${id} of ${room} has failed in each of three minutes.`,
      runbook: 'Errors',
    });
    new RoomAlarm(this, 'Throttles', {
      stage,
      room,
      watches: 'throttles',
      metric: this.metricThrottles({ period }),
      threshold: 1,
      evaluationPeriods: 3,
      says: `${id} of ${room} was throttled in each of three minutes.`,
      runbook: 'Throttles',
    });
  }

  /**
   * Puts an external extension beside the function.
   * @param entry The module that calls AWS with the function's role; for a layer of AWS's, one that calls the same.
   */
  addExtension(layer: ILayerVersion, { entry }: { entry: URL }): void {
    this.addLayers(layer);
    this.extensions.push(belowCloud(entry));
    const { defaultChild } = this.node;
    if (defaultChild instanceof CfnFunction) defaultChild.addMetadata(extensionsMetadata, this.extensions);
  }
}

function joinNetwork(scope: Construct, id: string, role: Role): Policy {
  const actions = joinsNetwork.map(({ action }) => action);
  return new Policy(scope, id, { roles: [role], statements: [new PolicyStatement({ actions, resources: ['*'] })] });
}

function belowCloud(entry: URL): string {
  return relative(fileURLToPath(new URL('..', import.meta.url)), fileURLToPath(entry));
}
