import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Alarm, CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { UserPool } from 'aws-cdk-lib/aws-cognito';
import { AttributeType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Code, Function as LambdaFunction, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DeadLetterQueue, ParkingQueue } from '../shared/resting-queue.ts';
import { type StageName, stageOf } from '../stages.ts';
import {
  alarmFindings,
  asynchronousFindings,
  functionFindings,
  protectionFindings,
  rightsOf,
  statefulResources,
  streamFindings,
  wildcardFindings,
} from './conventions.ts';
import { resourcesOf, type TemplateResource } from './template.ts';

// The CDK takes seconds to load and to build its first stack.
vi.setConfig({ testTimeout: 60_000 });

/** The resources of a stack that `build` fills. */
function resourcesWith(build: (stack: Stack) => void): TemplateResource[] {
  const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-conventions-'));
  onTestFinished(() => rmSync(outdir, { recursive: true }));
  const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': true } });
  const stack = new Stack(app, 'Room');
  build(stack);
  return resourcesOf(app.synth().getStackByName('Room').template);
}

const roleWith = (stack: Stack, ...statements: PolicyStatement[]) => {
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  for (const statement of statements) role.addToPolicy(statement);
  return role;
};

describe('wildcards', () => {
  const entry = {
    path: 'Role',
    statement: 's3:GetObject',
    resource: 'Raw/*',
    reason: 'Objects are named by their day.',
  };
  const objects = (stack: Stack, id = 'Raw') => {
    const bucket = new Bucket(stack, id);
    roleWith(stack, new PolicyStatement({ actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*')] }));
  };

  test('that are listed, and exactly those, are no finding', () => {
    expect(wildcardFindings([resourcesWith(objects)], [entry])).toEqual([]);
  });

  test('that are not listed are a finding', () => {
    expect(wildcardFindings([resourcesWith(objects)], [])).toEqual([expect.stringContaining('is not in wildcards.ts')]);
    expect(wildcardFindings([resourcesWith((stack) => objects(stack, 'Other'))], [entry])).toHaveLength(2);
  });

  test('that are listed and not there are a finding', () => {
    const unused = { ...entry, statement: 's3:PutObject' };
    expect(wildcardFindings([resourcesWith(objects)], [entry, unused])).toEqual([
      expect.stringContaining('fits no statement'),
    ]);
  });

  test('in an action are a finding, listed or not', () => {
    const resources = resourcesWith((stack) =>
      roleWith(stack, new PolicyStatement({ actions: ['sqs:*'], resources: [new Queue(stack, 'Queue').queueArn] })),
    );
    expect(wildcardFindings([resources], [])).toEqual(['Role/DefaultPolicy allows sqs:*: name each action.']);
  });
});

test('a ? in a resource is a wildcard too', () => {
  const secrets = (stack: Stack) => {
    const resources = ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-??????'];
    roleWith(stack, new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources }));
  };
  expect(wildcardFindings([resourcesWith(secrets)], [])).toEqual([expect.stringContaining('is not in wildcards.ts')]);
});

test.each([
  { notActions: ['s3:DeleteBucket'], resources: ['*'] },
  { actions: ['s3:GetObject'], notResources: ['arn:aws:s3:::secret/*'] },
])('a statement that allows all but what it names is refused: %o', (statement) => {
  const resources = resourcesWith((stack) => void roleWith(stack, new PolicyStatement(statement)));
  expect(() => rightsOf([resources])).toThrow('allows all but what it names');
});

test('a table and a user pool without deletion protection are findings', () => {
  const found = (deletionProtection: boolean) =>
    protectionFindings(
      resourcesWith((stack) => {
        new TableV2(stack, 'Rows', { partitionKey: { name: 'id', type: AttributeType.STRING }, deletionProtection });
        new UserPool(stack, 'People', { deletionProtection });
        new Queue(stack, 'Queue');
      }),
    );
  expect(found(true)).toEqual([]);
  expect(found(false)).toEqual([
    'Rows can be deleted by hand: give it stage.deletionProtection.',
    'People can be deleted by hand: give it stage.deletionProtection.',
  ]);
});

test('a topic is pinned, and a log group has to be kept and is not', () => {
  const resources = resourcesWith((stack) => {
    new Topic(stack, 'Topic').applyRemovalPolicy(RemovalPolicy.RETAIN);
    new LogGroup(stack, 'Log', { removalPolicy: RemovalPolicy.DESTROY });
  });
  const { pinned, findings } = statefulResources(new Map([['Room', resources]]));
  expect(Object.values(pinned['Room'] ?? {})).toEqual(['AWS::SNS::Topic']);
  expect(findings).toEqual([expect.stringMatching(/^Log is lost/)]);
});

test('rights are those of every statement of a role, and of nobody else', () => {
  const resources = resourcesWith((stack) => {
    const queue = new Queue(stack, 'Queue');
    roleWith(
      stack,
      new PolicyStatement({ actions: ['sqs:SendMessage', 'sqs:GetQueueUrl'], resources: [queue.queueArn] }),
    );
    queue.grantConsumeMessages(new ServicePrincipal('events.amazonaws.com'));
  });
  expect(rightsOf([resources])).toEqual({
    Role: [
      { action: 'sqs:GetQueueUrl', on: 'Queue' },
      { action: 'sqs:SendMessage', on: 'Queue' },
    ],
  });
});

test('a stateful resource is pinned by its logical id, and has to be kept on delete and on replacement', () => {
  const pinnedWith = (removalPolicy?: RemovalPolicy) =>
    statefulResources(
      new Map([
        ['Room', resourcesWith((stack) => new Queue(stack, 'Queue', { ...(removalPolicy ? { removalPolicy } : {}) }))],
      ]),
    );
  expect(pinnedWith(RemovalPolicy.RETAIN)).toEqual({
    pinned: { Room: { Queue4A7E3555: 'AWS::SQS::Queue' } },
    findings: [],
  });
  expect(pinnedWith().findings).toHaveLength(1);
});

describe('alarms', () => {
  const found = (stage: StageName, readme: string) =>
    alarmFindings(
      resourcesWith((stack) => {
        new DeadLetterQueue(stack, 'DeadLetters', { stage: stageOf(stage), room: 'a-room' });
        new ParkingQueue(stack, 'Parking', { stage: stageOf(stage), room: 'a-room' });
      }),
      { room: 'a-room', readme },
    );

  test.each(['local', 'prod'] as const)('of stage %s tell somebody, and name a heading', (stage) => {
    expect(found(stage, '## Runbook\n\n### Parked records\n\n### Dead letters\n')).toEqual([]);
    expect(found(stage, '### Parked records\n')).toEqual([expect.stringContaining('has no such heading')]);
  });

  test('without an action, or on what wakes nobody, are a finding', () => {
    const resources = resourcesWith((stack) => {
      new Alarm(stack, 'Busy', {
        metric: new Queue(stack, 'Queue').metricNumberOfMessagesSent(),
        threshold: 1,
        evaluationPeriods: 1,
      });
      new CfnAlarm(stack, 'Off', {
        comparisonOperator: 'LessThanThreshold',
        evaluationPeriods: 1,
        metricName: 'Errors',
        actionsEnabled: false,
      });
    });
    const findings = alarmFindings(resources, { room: 'a-room', readme: '' });
    expect(findings).toContain('Busy watches NumberOfMessagesSent, which wakes nobody: put it on the dashboard.');
    expect(findings).toContain('Busy tells nobody.');
    expect(findings).toContain('Off tells nobody.');
  });
});

test('a function that is called asynchronously has dead letters', () => {
  const found = (deadLetterQueueEnabled: boolean, service: string, sourceArn?: string) =>
    asynchronousFindings(
      resourcesWith((stack) =>
        new LambdaFunction(stack, 'Plain', {
          runtime: Runtime.NODEJS_24_X,
          handler: 'index.handler',
          code: Code.fromInline('exports.handler = () => {}'),
          deadLetterQueueEnabled,
        }).addPermission('Caller', {
          principal: new ServicePrincipal(service),
          ...(sourceArn === undefined ? {} : { sourceArn }),
        }),
      ),
    );
  expect(found(false, 'iot.amazonaws.com')).toEqual([expect.stringContaining('Plain is called asynchronously')]);
  expect(found(true, 'iot.amazonaws.com')).toEqual([]);
  expect(found(false, 'apigateway.amazonaws.com')).toEqual([]);
  const template = 'arn:aws:iot:eu-west-1:123456789012:provisioningtemplate/fleet';
  expect(found(false, 'iot.amazonaws.com', template), 'its answer is waited for').toEqual([]);
});

test('a function and a stream without what the constructs give are findings', () => {
  const resources = resourcesWith((stack) => {
    const plain = new LambdaFunction(stack, 'Plain', {
      runtime: Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: Code.fromInline('exports.handler = () => {}'),
    });
    plain.addEventSource(
      new KinesisEventSource(new Stream(stack, 'Stream'), {
        startingPosition: StartingPosition.LATEST,
        maxBatchingWindow: Duration.seconds(1),
      }),
    );
  });
  expect(functionFindings(resources)).toEqual([
    'Plain runs on nodejs22.x.',
    'Plain is not built for arm64.',
    'Plain is not traced.',
    'Plain may not write its logs.',
    'Plain has no log group with a retention.',
  ]);
  expect(streamFindings(resources).map((finding) => finding.replace(/^\S+ /, ''))).toEqual([
    'retries for ever.',
    'has no age at which it lets go.',
    'does not bisect a failing batch.',
    'has no queue for what it lets go.',
    'knows no partial failure.',
  ]);
});
