import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { FifoFanOut } from '../shared/fifo-fan-out.ts';
import { NodeFunction } from '../shared/node-function.ts';
import type { Stage } from '../stages.ts';
import { type OpenerConfiguration, openerConfiguration } from './contract.ts';

export interface OpenerProps {
  stage: Stage;
  room: string;
  fanOut: FifoFanOut;
  configuration: OpenerConfiguration;
  /** Name of the secret with the credentials, in this account and region. */
  secretName: string;
  /** Keys that are told at a time, 2 or more. */
  maxConcurrency: number;
}

const timeout = Duration.minutes(3);
/** What a call leaves itself to end in. */
const spare = Duration.seconds(5);

/** The service that opens incidents for a fleet: a consumer of the events, and a function that tells what had to wait. */
export class Opener extends Construct {
  readonly consumer: ReturnType<FifoFanOut['addConsumer']>;
  readonly tellDue: NodeFunction;
  readonly state: TableV2;

  constructor(scope: Construct, id: string, props: OpenerProps) {
    super(scope, id);
    const { stage, room, fanOut, configuration, secretName, maxConcurrency } = props;
    this.state = new TableV2(this, 'State', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      globalSecondaryIndexes: [
        {
          indexName: 'due',
          partitionKey: { name: 'wake', type: AttributeType.STRING },
          sortKey: { name: 'wakeAtMs', type: AttributeType.NUMBER },
          projectionType: ProjectionType.INCLUDE,
          nonKeyAttributes: ['waitingSinceMs'],
        },
      ],
      timeToLiveAttribute: 'expiresAt',
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    // A configuration that the device would refuse is refused before anything is deployed.
    openerConfiguration.parse(configuration);
    const environment = {
      STATE_TABLE_NAME: this.state.tableName,
      SECRET_NAME: secretName,
      CONFIGURATION: JSON.stringify(configuration),
      LIMIT_MS: String(timeout.toMilliseconds() - spare.toMilliseconds()),
    };
    this.consumer = fanOut.addConsumer('Opener', {
      entry: new URL('./open.lambda.ts', import.meta.url),
      ...{ environment, timeout, maxConcurrency },
    });
    this.tellDue = new NodeFunction(this, 'TellDue', {
      ...{ stage, room, timeout },
      entry: new URL('./tell-due.lambda.ts', import.meta.url),
      invoked: 'async',
      // The next minute is its retry: one more call would only meet it at the same keys.
      retryAttempts: 0,
      environment: { ...environment, PARKING_QUEUE_URL: this.consumer.parking.queueUrl },
    });
    this.consumer.parking.grantPark(this.tellDue);
    const secret = Stack.of(this).formatArn({
      ...{ service: 'secretsmanager', resource: 'secret' },
      // Secrets Manager puts six characters of its own behind the name.
      ...{ resourceName: `${secretName}-??????`, arnFormat: ArnFormat.COLON_RESOURCE_NAME },
    });
    for (const one of [this.consumer.function, this.tellDue]) {
      // `state.grant` would include every index.
      one.addToRolePolicy(
        new PolicyStatement({
          actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
          resources: [this.state.tableArn],
        }),
      );
      one.addToRolePolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [secret] }));
    }
    this.tellDue.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:Query'], resources: [`${this.state.tableArn}/index/due`] }),
    );
    new Rule(this, 'EachMinute', {
      description: 'Tells ServiceNow what has waited until now',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(this.tellDue, { retryAttempts: 0 })],
    });
  }
}
