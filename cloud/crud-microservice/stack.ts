import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { AttributeType, Billing, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal, CompositePrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Construct } from 'constructs';
import { RoomAlarm } from '../shared/alarm.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { timeToLiveField } from './device-row.ts';
import { type CrudAuthorizer, HttpCrud } from './http-crud.ts';
import { callerWildcards } from './wildcards.ts';

const room = 'crud-microservice';

export interface CrudMicroserviceProps {
  stage: Stage;
  /** Path of the collection; `/` gives the routes of the post. */
  path?: string;
  /** Who may call; by default who holds the right in IAM. */
  authorizer?: CrudAuthorizer;
  /** Other accounts, 12 digits each, that may take the roles of readers and writers. */
  callerAccounts?: readonly string[];
  /** Origins of pages that may call the API. */
  allowOrigins?: readonly string[];
  /** Of all callers together. */
  requestsPerSecond?: number;
  /** Bus that the events go to, by name. */
  eventBusName?: string;
}

/** The registry of devices: HTTP API → five functions → DynamoDB → its stream → function → EventBridge. */
export class CrudMicroserviceStack extends Stack {
  constructor(scope: Construct, props: CrudMicroserviceProps) {
    super(scope, 'CrudMicroserviceStack', { description: 'Device registry: HTTP API, Lambda, DynamoDB, EventBridge' });
    const { stage, path = '/devices', authorizer = 'iam', callerAccounts = [], eventBusName = 'default' } = props;

    const table = new TableV2(this, 'Devices', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: timeToLiveField,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const crud = new HttpCrud(this, 'Crud', {
      ...{ stage, room, table, path, authorizer },
      allowOrigins: props.allowOrigins ?? [],
      requestsPerSecond: props.requestsPerSecond ?? 50,
    });
    const announcing = this.announce(stage, table, eventBusName);
    if (authorizer === 'iam') {
      this.addCallers('Reader', crud.routeArns('reads'), callerAccounts);
      this.addCallers('Writer', crud.routeArns('all'), callerAccounts);
    }

    new CfnOutput(this, 'Endpoint', { value: crud.api.apiEndpoint });
    new CfnOutput(this, 'TableName', { value: table.tableName });
    new CfnOutput(this, 'CreateName', { value: crud.functionOf('Create').functionName });
    new CfnOutput(this, 'CreateRoleName', { value: crud.functionOf('Create').role?.roleName ?? '' });
    new CfnOutput(this, 'AnnounceName', { value: announcing.announce.functionName });
    new CfnOutput(this, 'AnnounceRoleName', { value: announcing.announce.role?.roleName ?? '' });
    new CfnOutput(this, 'ParkingQueueUrl', { value: announcing.parking.queueUrl });
    new CfnOutput(this, 'DeadLettersUrl', { value: announcing.deadLetters.queueUrl });
    if (authorizer === 'iam') allowWildcards(this, callerWildcards(path === '/' ? path : `${path}/`));
  }

  /**
   * Events are made of the table's stream and not by the functions that write: a write and a message are no one
   * transaction, and what is told from the stream is told of each write, and of none that was not made.
   */
  private announce(stage: Stage, table: TableV2, eventBusName: string) {
    const parking = new ParkingQueue(this, 'Parking', { stage, room });
    const deadLetters = new DeadLetterQueue(this, 'DeadLetters', { stage, room });
    const announce = new NodeFunction(this, 'Announce', {
      stage,
      room,
      entry: new URL('./announce.lambda.ts', import.meta.url),
      invoked: 'event-source',
      timeout: Duration.seconds(30),
      environment: { EVENT_BUS_NAME: eventBusName, PARKING_QUEUE_URL: parking.queueUrl },
    });
    EventBus.fromEventBusName(this, 'Bus', eventBusName).grantPutEventsTo(announce);
    parking.grantPark(announce);
    table.grantStreamRead(announce);
    const source = announce.addEventSourceMapping('Changes', {
      ...(table.tableStreamArn === undefined ? {} : { eventSourceArn: table.tableStreamArn }),
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      // The stream keeps records for a day: half of it for retries, half for a person.
      retryAttempts: 1_000,
      maxRecordAge: Duration.hours(12),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      onFailure: new SqsDlq(deadLetters),
    });
    if (announce.role !== undefined) source.node.addDependency(announce.role);
    new RoomAlarm(this, 'IteratorAge', {
      ...{ stage, room, watches: 'iterator-age' },
      metric: announce.metric('IteratorAge', { period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: Duration.minutes(5).toMilliseconds(),
      evaluationPeriods: 5,
      says: 'Changes of devices wait for more than five minutes to be told.',
      runbook: 'Iterator age',
    });
    return { announce, parking, deadLetters };
  }

  /**
   * A role that its callers take. HTTP APIs have no resource policies, so this is how another account gets in: it lets its
   * people assume the role, and the role may call the routes.
   */
  private addCallers(id: 'Reader' | 'Writer', resources: string[], accounts: readonly string[]): void {
    const role = new Role(this, id, {
      assumedBy: new CompositePrincipal(...[this.account, ...accounts].map((one) => new AccountPrincipal(one))),
      description: `${id} of the device registry`,
    });
    role.addToPolicy(new PolicyStatement({ actions: ['execute-api:Invoke'], resources }));
    new CfnOutput(this, `${id}RoleArn`, { value: role.roleArn });
  }
}
