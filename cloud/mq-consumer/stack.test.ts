import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { inWords, type TemplateResource } from '../testing/template.ts';
import { PlantBroker } from './broker.ts';
import { authorization } from './broker-policy.ts';
import { rights } from './rights.ts';
import { MqConsumerStack } from './stack.ts';
import { wildcards } from './wildcards.ts';

const room = 'mq-consumer';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  const built = new Map<'local' | 'prod', readonly TemplateResource[]>();

  beforeAll(async () => {
    for (const stage of ['local', 'prod'] as const) {
      built.set(stage, [...(await synthesiseRoom(room, stage)).stacks.values()].flat());
    }
  }, 120_000);

  const ofType = (type: string, stage: 'local' | 'prod' = 'prod') =>
    (built.get(stage) ?? []).filter(({ Type }) => Type === type);
  const only = (type: string, path: string, stage: 'local' | 'prod' = 'prod') => {
    const [found, ...others] = ofType(type, stage).filter((one) => one.path === path);
    if (found === undefined || others.length > 0) throw new Error(`${others.length + 1} resources are ${type} ${path}`);
    return found;
  };

  test('synth: the broker is reached from no address of the Internet, is encrypted, mends itself and writes its logs', () => {
    expect(only('AWS::AmazonMQ::Broker', 'Broker').Properties).toMatchObject({
      BrokerName: 'plant',
      EngineType: 'ACTIVEMQ',
      DeploymentMode: 'ACTIVE_STANDBY_MULTI_AZ',
      HostInstanceType: 'mq.m5.large',
      PubliclyAccessible: false,
      AuthenticationStrategy: 'SIMPLE',
      EncryptionOptions: { UseAwsOwnedKey: true },
      AutoMinorVersionUpgrade: true,
      Logs: { General: true, Audit: true },
      SubnetIds: [expect.anything(), expect.anything()],
    });
    expect(only('AWS::AmazonMQ::Broker', 'Broker', 'local').Properties).toMatchObject({
      DeploymentMode: 'SINGLE_INSTANCE',
      HostInstanceType: 'mq.t3.micro',
      SubnetIds: [expect.anything()],
    });
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::Route']) {
      expect(ofType(type)).toEqual([]);
    }
  });

  test('synth: Amazon MQ may write to its log groups, for brokers of this account', () => {
    const { PolicyDocument } = only('AWS::Logs::ResourcePolicy', 'Broker/WritesLogs').Properties;
    expect(JSON.parse(inWords(PolicyDocument, []))).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'mq.amazonaws.com' },
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/amazonmq/*`,
          Condition: { StringEquals: { 'aws:SourceAccount': `\${AWS::AccountId}` } },
        },
      ],
    });
  });

  test('synth: no name or password of a user stands in the template, and each user is in one group', () => {
    const usersSchema = z.array(
      z.object({
        Username: z.unknown(),
        Password: z.unknown(),
        Groups: z.tuple([z.string()]),
        ConsoleAccess: z.boolean().optional(),
      }),
    );
    const users = usersSchema.parse(only('AWS::AmazonMQ::Broker', 'Broker').Properties['Users']);
    expect(users.map(({ Groups: [group], ConsoleAccess = false }) => [group, ConsoleAccess])).toEqual([
      ['consumers', false],
      ['producers', false],
      ['operators', true],
    ]);
    for (const { Username, Password } of users) {
      for (const value of [Username, Password]) expect(JSON.stringify(value)).toContain('{{resolve:secretsmanager:');
    }
    expect(ofType('AWS::SecretsManager::Secret').map(({ Properties }) => Properties['Name'])).toEqual([
      'MQaccess',
      'MQproducer',
      'MQoperator',
    ]);
  });

  test('synth: Lambda polls the queue of the post with the secret of the post, by the hundred', () => {
    const mapping = only('AWS::Lambda::EventSourceMapping', 'Mapping');
    expect(mapping.Properties).toMatchObject({
      Queues: ['myQueue'],
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      EventSourceArn: { 'Fn::GetAtt': [expect.stringMatching('^Broker'), 'Arn'] },
      SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: { 'Fn::GetAtt': [expect.any(String), 'Id'] } }],
    });
    expect(mapping.Condition).toBeUndefined();
    expect(only('AWS::Lambda::EventSourceMapping', 'Mapping', 'local').Condition).toBe('ExistsInThisAccount');
    expect(only('AWS::Lambda::Function', 'Consume').Properties).toMatchObject({
      FunctionName: 'MQconsumer',
      Timeout: 60,
    });
  });

  test('synth: the broker takes what its own group sends to OpenWire, and lets out HTTPS to three services alone', () => {
    const rules = (type: string) =>
      ofType(type)
        .map(({ path, Properties }) => [
          path.split('/').slice(0, -1).join('/'),
          Properties['FromPort'],
          Properties['ToPort'],
        ])
        .toSorted((a, b) => String(a).localeCompare(String(b)));
    expect(rules('AWS::EC2::SecurityGroupIngress')).toEqual([
      ['Broker/Group', 61_617, 61_617],
      ['Broker/Network/LambdaGroup', 443, 443],
      ['Broker/Network/SecretsManagerGroup', 443, 443],
      ['Broker/Network/StsGroup', 443, 443],
    ]);
    expect(rules('AWS::EC2::SecurityGroupEgress')).toEqual([
      ['Broker/Group', 443, 443],
      ['Broker/Group', 443, 443],
      ['Broker/Group', 443, 443],
      ['Broker/Group', 61_617, 61_617],
    ]);
    for (const { Properties } of ofType('AWS::EC2::SecurityGroup'))
      expect(Properties['SecurityGroupIngress']).toBeUndefined();
  });

  test('synth: of networks that are joined the plant reaches the ports of messages, and operators the console', () => {
    const stack = new Stack(new App(), 'Room');
    new PlantBroker(stack, 'Broker', {
      ...{ stage: stageOf('prod'), name: 'plant', queue: 'myQueue', networkCidr: '10.1.0.0/24' },
      secrets: { consumer: 'a', producer: 'b', operator: 'c' },
      ...{ plantCidrs: ['10.2.0.0/16'], operatorCidrs: ['10.3.0.0/24'] },
      ...{ deploymentMode: 'SINGLE_INSTANCE', instanceType: 'mq.t3.micro', engineVersion: '5.18' },
    });
    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [
        { CidrIp: '10.2.0.0/16', IpProtocol: 'tcp', FromPort: 61_617, ToPort: 61_617 },
        { CidrIp: '10.2.0.0/16', IpProtocol: 'tcp', FromPort: 61_614, ToPort: 61_614 },
        { CidrIp: '10.3.0.0/24', IpProtocol: 'tcp', FromPort: 8_162, ToPort: 8_162 },
      ],
    });
  });

  test('synth: a queue that is not empty once in fifteen minutes is told of, however few wait in it', () => {
    const size = (Dimension: string) => ({
      MetricStat: {
        Stat: 'Minimum',
        Period: 60,
        Metric: { MetricName: 'QueueSize', Dimensions: [{ Value: Dimension }, { Value: 'myQueue' }] },
      },
    });
    expect(only('AWS::CloudWatch::Alarm', 'Standstill').Properties).toMatchObject({
      ...{ Threshold: 1, EvaluationPeriods: 15, ComparisonOperator: 'GreaterThanOrEqualToThreshold' },
      Metrics: [expect.anything(), size('plant-1'), size('plant-2')],
    });
  });

  test('synth: who sends may write to the queue, and neither read nor make nor remove it', () => {
    const [, entry = ''] = /<authorizationEntry queue="myQueue" ([^>]*)\/>/.exec(authorization('myQueue')) ?? [];
    expect(entry).toBe('read="consumers" write="producers" admin="consumers"');
  });

  test('synth: more messages a call than the function writes in its minute are refused', () => {
    const make = () => new MqConsumerStack(new App(), { stage: stageOf('dev'), batchSize: 201 });
    expect(make).toThrow('A batchSize of 201 is more than the function writes in its time: give at most 200.');
  });
});
