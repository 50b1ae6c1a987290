import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { AccountFactoryStack } from './stack.ts';
import { wildcards } from './wildcards.ts';

const room = 'account-factory';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let prod: SynthesisedRoom;

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const named = (type: string) => [...prod.stacks.values()].flat().filter(({ Type }) => Type === type);
  const one = (type: string, path = '') => named(type).find((resource) => resource.path.startsWith(path))?.Properties;

  test('synth: names are those of the post', () => {
    expect(one('AWS::Lambda::Function', 'Baseline')).toMatchObject({
      FunctionName: 'control-tower-account-factory-lambda',
      ReservedConcurrentExecutions: 10,
    });
    expect(one('AWS::IAM::Role', 'BaselineRole')).toMatchObject({
      RoleName: 'control-tower-account-factory-lambda-role',
    });
    expect(one('AWS::StepFunctions::StateMachine')).toMatchObject({
      StateMachineName: 'control-tower-account-factory-state-machine',
    });
    expect(one('AWS::IAM::Role', 'Machine')).toMatchObject({
      RoleName: 'control-tower-account-factory-state-machine-role',
    });
    expect(one('AWS::SNS::Topic')).toMatchObject({ TopicName: 'control-tower-account-factory-account-notification' });
    expect(one('AWS::DynamoDB::GlobalTable')).toMatchObject({
      TableName: 'control-tower-account-factory-tracking-table',
      KeySchema: [
        { AttributeName: 'ProvisionName', KeyType: 'HASH' },
        { AttributeName: 'Date', KeyType: 'RANGE' },
      ],
    });
  });

  test('synth: an account that Control Tower has made, and an upload of either file, go to the queue in one group', () => {
    const toQueue = { SqsParameters: { MessageGroupId: room }, DeadLetterConfig: expect.anything() };
    expect(one('AWS::Events::Rule', 'NewAccount')).toMatchObject({
      Name: 'AWS-Controle-Tower-Baseline-New-Account',
      EventPattern: {
        source: ['aws.controltower'],
        'detail-type': ['AWS Service Event via CloudTrail'],
        detail: {
          eventName: ['CreateManagedAccount'],
          serviceEventDetails: { createManagedAccountStatus: { state: ['SUCCEEDED'] } },
        },
      },
      Targets: [toQueue],
    });
    expect(one('AWS::Events::Rule', 'Uploaded')).toMatchObject({
      EventPattern: { source: ['aws.s3'], detail: { object: { key: ['config.yml', 'update.yml'] } } },
      Targets: [toQueue],
    });
    expect(one('AWS::S3::Bucket', 'Configuration/Objects')).toMatchObject({
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  test('synth: the machine catches all, ends as its status says, and takes any other status for a failure', () => {
    const pieces = z
      .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
      .parse(one('AWS::StepFunctions::StateMachine')?.['DefinitionString'])['Fn::Join'][1];
    const definition: unknown = JSON.parse(pieces.map((piece) => (typeof piece === 'string' ? piece : 'it')).join(''));
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Report-Failure', ResultPath: '$.error' }];
    expect(definition).toMatchObject({
      StartAt: 'Init-Baseline-Products',
      States: {
        'Init-Baseline-Products': { Catch, TimeoutSeconds: 300, Next: 'Wait-On-Init-Products' },
        'Wait-On-Init-Products': { Seconds: 60, Next: 'Baseline-Products' },
        'Baseline-Products': { Catch, TimeoutSeconds: 300, Next: 'Deployment-Status' },
        'Deployment-Status': {
          Choices: [
            { Variable: '$.status', StringEquals: 'progress', Next: 'Wait-For-Products' },
            { StringEquals: 'done', Next: 'Success' },
            { StringEquals: 'partially-failed', Next: 'PartiallyFailed' },
            { StringEquals: 'timed-out', Next: 'TimedOut' },
          ],
          Default: 'Failed',
        },
        'Wait-For-Products': { Seconds: 60, Next: 'Baseline-Products' },
        'Report-Failure': { Next: 'Failed' },
        Success: { Type: 'Succeed' },
        Failed: { Type: 'Fail' },
      },
    });
  });

  test('synth: the code of functions is read by the deploying roles of the organisation, and by nobody else', () => {
    const statements = z
      .object({ PolicyDocument: z.object({ Statement: z.array(z.looseObject({ Effect: z.string() })) }) })
      .parse(one('AWS::S3::BucketPolicy', 'Deployment/Code/Objects')).PolicyDocument.Statement;
    const inPartition = (rest: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, rest]] });
    expect(statements.filter(({ Effect }) => Effect === 'Allow')).toMatchObject([
      {
        Principal: { AWS: '*' },
        Action: 's3:GetObject',
        Condition: {
          StringEquals: { 'aws:PrincipalOrgID': { Ref: 'OrganizationId' } },
          StringLike: {
            'aws:PrincipalArn': [
              inPartition(':iam::*:role/AWSControlTowerExecution'),
              inPartition(':iam::*:role/control-tower-account-factory-lambda-role'),
            ],
          },
        },
      },
    ]);
  });

  test('synth: a bucket that is there already, and a person who is told, are options', () => {
    const options = { configurationBucketName: 'theirs', notificationEmail: 'fleet@example.com' };
    const template = Template.fromStack(new AccountFactoryStack(new App(), { stage: stageOf('dev'), ...options }));
    template.resourceCountIs('AWS::S3::Bucket', 2);
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'fleet@example.com' });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { detail: { bucket: { name: ['theirs'] } } },
    });
    expect(() => new AccountFactoryStack(new App(), { stage: stageOf('dev'), maxIterations: 241 })).toThrow(
      'maxIterations is 241',
    );
  });

  test('synth: the deploying function passes the role of Control Tower to CloudFormation alone', () => {
    const policy = JSON.stringify(one('AWS::IAM::Policy', 'BaselineRole'));
    expect(policy).toContain('"Action":"iam:PassRole"');
    expect(policy).toContain('"iam:PassedToService":"cloudformation.amazonaws.com"');
    expect(policy).toContain(':role/service-role/AWSControlTowerStackSetRole');
  });
});
