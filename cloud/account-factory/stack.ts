import { CfnOutput, CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { CfnRole } from 'aws-cdk-lib/aws-iam';
import { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { FifoInput } from '../shared/fifo-input.ts';
import { LakeBucket } from '../shared/lake-bucket.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { BaselineMachine } from './baseline-machine.ts';
import { controlTowerSource, mostIterations } from './contract.ts';
import { DeploymentBucket } from './deployment-bucket.ts';
import { grantBaseline, grantStart, type NamedBucket } from './grants.ts';
import { wildcards } from './wildcards.ts';

const room = 'account-factory';

/** Where the tests of the local account have a Service Catalog. */
export const localServiceCatalogPort = 8_098;

export interface AccountFactoryProps {
  stage: Stage;
  /** A bucket that is there already and tells EventBridge of its objects, instead of one that the stack makes. */
  configurationBucketName?: string;
  configurationFileName?: string;
  updateFileName?: string;
  functionName?: string;
  functionRoleName?: string;
  stateMachineName?: string;
  stateMachineRoleName?: string;
  trackingTableName?: string;
  topicName?: string;
  /** Told of each baseline's end, and of files that cannot be used. */
  notificationEmail?: string;
  /** Steps until a baseline has timed out, 1 to 240, where its file does not say otherwise. */
  maxIterations?: number;
  /** Between two steps. */
  interval?: Duration;
}

/** What a new account is to have, and what existing ones are to get: events → queue → validation → a state machine for each account. */
export class AccountFactoryStack extends Stack {
  constructor(scope: Construct, props: AccountFactoryProps) {
    super(scope, 'AccountFactoryStack', {
      description: 'Baselines of Control Tower accounts: EventBridge, Step Functions, Service Catalog',
    });
    const { stage, configurationFileName = 'config.yml', updateFileName = 'update.yml' } = props;
    const { functionName = 'control-tower-account-factory-lambda', maxIterations = 30 } = props;
    const { functionRoleName = 'control-tower-account-factory-lambda-role' } = props;
    const { stateMachineName = 'control-tower-account-factory-state-machine' } = props;
    const { stateMachineRoleName = 'control-tower-account-factory-state-machine-role' } = props;
    const { interval = Duration.seconds(60) } = props;
    if (!(Number.isInteger(maxIterations) && maxIterations >= 1 && maxIterations <= mostIterations)) {
      throw new Error(`maxIterations is ${maxIterations}; it has to be a whole number from 1 to ${mostIterations}.`);
    }
    const organizationId = new CfnParameter(this, 'OrganizationId', {
      description: 'Whose roles may read the deployment bucket; nobody’s until it is given',
      default: 'o-0000000000',
      allowedPattern: 'o-[a-z0-9]{10,32}',
    });

    const bucket = this.configurationBucket(props);
    new DeploymentBucket(this, 'Deployment', {
      ...{ stage, organizationId: organizationId.valueAsString },
      roleNames: ['AWSControlTowerExecution', functionRoleName],
    });
    const topic = new Topic(this, 'Notifications', {
      topicName: props.topicName ?? 'control-tower-account-factory-account-notification',
      enforceSSL: true,
    });
    topic.applyRemovalPolicy(stage.removalPolicy);
    if (props.notificationEmail !== undefined) topic.addSubscription(new EmailSubscription(props.notificationEmail));
    const table = new TableV2(this, 'Tracking', {
      tableName: props.trackingTableName ?? 'control-tower-account-factory-tracking-table',
      partitionKey: { name: 'ProvisionName', type: AttributeType.STRING },
      sortKey: { name: 'Date', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const adminRoleArn = this.formatArn({
      ...{ service: 'iam', region: '', resource: 'role', resourceName: 'service-role/AWSControlTowerStackSetRole' },
    });
    // The local account has none: its tests have one of their own, on loopback.
    const serviceCatalog =
      stage.name === 'local'
        ? { AWS_ENDPOINT_URL_SERVICE_CATALOG: `http://127.0.0.1:${localServiceCatalogPort}` }
        : undefined;

    // Each step waits so long, and all of them no longer than the machine may take.
    const timeout = Duration.minutes(Math.ceil(mostIterations * (interval.toMinutes({ integral: false }) + 5)));
    const step = new NodeFunction(this, 'Baseline', {
      ...{ stage, room, functionName, invoked: 'sync', memorySize: 512, reservedConcurrentExecutions: 10 },
      entry: new URL('./baseline.lambda.ts', import.meta.url),
      timeout: Duration.minutes(5),
      environment: {
        ROLE_ARN: this.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: functionRoleName }),
        TABLE: table.tableName,
        TOPIC_ARN: topic.topicArn,
        HELD_HOURS: String(Math.ceil(timeout.toHours({ integral: false }))),
        ...serviceCatalog,
      },
    });
    const stepRole = step.role?.node.defaultChild;
    if (stepRole instanceof CfnRole) stepRole.roleName = functionRoleName;
    const { machine } = new BaselineMachine(this, 'Machine', {
      ...{ stage, name: stateMachineName, roleName: stateMachineRoleName, step, interval, timeout },
    });

    const start = new FifoInput(this, 'Start', {
      ...{ stage, room, entry: new URL('./start.lambda.ts', import.meta.url), contentBasedDeduplication: true },
      ...{ timeout: Duration.minutes(5), memorySize: 512, batchSize: 1 },
      // All events are of one group: so long they wait behind one that failed.
      visibilityTimeout: Duration.minutes(6),
      environment: {
        ACCOUNT_ID: this.account,
        ADMIN_ROLE_ARN: adminRoleArn,
        BUCKET: bucket.bucketName,
        CONFIGURATION_FILE: configurationFileName,
        EXECUTION_ROLE: 'AWSControlTowerExecution',
        MACHINE_ARN: machine.stateMachineArn,
        MAX_ITERATIONS: String(maxIterations),
        TOPIC_ARN: topic.topicArn,
        UPDATE_FILE: updateFileName,
        ...serviceCatalog,
      },
    });
    const undelivered = new DeadLetterQueue(this, 'Undelivered', { stage, room, runbook: 'Undelivered' });
    // One group: constraints of Service Catalog are read and written by one at a time.
    const targets = [
      new SqsQueue(start.queue, {
        messageGroupId: room,
        deadLetterQueue: undelivered,
      }),
    ];
    new Rule(this, 'NewAccount', {
      ruleName: 'AWS-Controle-Tower-Baseline-New-Account',
      description: 'Accounts that Control Tower has made',
      eventPattern: {
        source: stage.name === 'local' ? Object.values(controlTowerSource) : [controlTowerSource.aws],
        detailType: ['AWS Service Event via CloudTrail'],
        detail: {
          eventName: ['CreateManagedAccount'],
          serviceEventDetails: { createManagedAccountStatus: { state: ['SUCCEEDED'] } },
        },
      },
      targets,
    });
    new Rule(this, 'Uploaded', {
      description: 'Files of the configuration bucket',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucket.bucketName] }, object: { key: [configurationFileName, updateFileName] } },
      },
      targets,
    });

    grantStart(this, start.function, {
      bucket,
      topic,
      stateMachineName,
      files: [configurationFileName, updateFileName],
    });
    grantBaseline(this, step, { topic, table, adminRoleArn, isLocal: stage.name === 'local' });

    for (const [id, metric, says] of [
      [
        'Failed',
        machine.metricFailed({ period: Duration.minutes(5) }),
        'A baseline failed, whole or in part, or timed out.',
      ],
      [
        'TimedOut',
        machine.metricTimedOut({ period: Duration.minutes(5) }),
        'A baseline took longer than its machine may.',
      ],
    ] as const) {
      new RoomAlarm(this, id, {
        ...{ stage, room, metric, says, watches: 'errors', threshold: 1, runbook: 'Failed baselines' },
      });
    }
    const outputs: Record<string, string> = {
      BaselineName: step.functionName,
      BucketName: bucket.bucketName,
      MachineArn: machine.stateMachineArn,
      ParkingQueueUrl: start.parking.queueUrl,
      StartName: start.function.functionName,
      StartRoleName: start.function.role?.roleName ?? '',
      TableName: table.tableName,
      TopicArn: topic.topicArn,
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    const isOthers = ({ path }: { path: string }) =>
      props.configurationBucketName !== undefined && path.startsWith('Configuration/');
    allowWildcards(
      this,
      wildcards.filter((one) => !isOthers(one)),
    );
  }

  private configurationBucket({ stage, configurationBucketName }: AccountFactoryProps): NamedBucket {
    if (configurationBucketName !== undefined) {
      return Bucket.fromBucketName(this, 'Configuration', configurationBucketName);
    }
    const { bucket } = new LakeBucket(this, 'Configuration', { stage, keepsObjects: true });
    const { defaultChild } = bucket.node;
    if (defaultChild instanceof CfnBucket) {
      // A version says which file a baseline was started from.
      defaultChild.versioningConfiguration = { status: 'Enabled' };
      defaultChild.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    }
    return bucket;
  }
}
