import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { IsolatedNetwork } from '../shared/isolated-network.ts';
import { stageOf } from '../stages.ts';
import { describeRoom, synthesiseRoom } from '../testing/describe-room.ts';
import type { TemplateResource } from '../testing/template.ts';
import { callLimits } from './contract.ts';
import { LambdaPrivateAccess, type LambdaPrivateAccessProps } from './lambda-private-access.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'lambda-privatelink';
describeRoom(room, { rights, wildcards });

const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:incident';
const gateway = 'arn:aws:iam::111122223333:role/plant-gateway';

/** An access with these changes to what is usual. */
function access(change: Partial<Omit<LambdaPrivateAccessProps, 'network' | 'from'>> = {}) {
  const stack = new Stack(new App(), 'Room');
  const network = new IsolatedNetwork(stack, 'Network', { stage: stageOf('prod'), cidr: '10.1.0.0/24' });
  new LambdaPrivateAccess(stack, 'Access', {
    ...{ network, functions: [{ functionArn: `${arn}:live` }], principals: [gateway], from: [] },
    ...{ allowedCidrs: ['10.2.0.0/16'], ...change },
  });
  return stack;
}

describe(room, () => {
  let resources: readonly TemplateResource[] = [];

  beforeAll(async () => {
    resources = [...(await synthesiseRoom(room, 'prod')).stacks.values()].flat();
  }, 120_000);

  const ofType = (type: string) => resources.filter(({ Type }) => Type === type);

  test('synth: the network has two isolated subnets, neither NAT nor gateway nor route, and writes its flows', () => {
    expect(ofType('AWS::EC2::Subnet')).toHaveLength(2);
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::Route']) {
      expect(ofType(type)).toEqual([]);
    }
    expect(ofType('AWS::EC2::FlowLog').map(({ Properties }) => Properties)).toMatchObject([
      { ResourceType: 'VPC', TrafficType: 'ALL' },
    ]);
  });

  test('synth: the caller stands in the subnets and reaches the endpoint alone', () => {
    const caller = ofType('AWS::Lambda::Function').find(({ path }) => path === 'Call');
    expect(caller?.Properties['VpcConfig']).toMatchObject({
      SubnetIds: { length: 2 },
      SecurityGroupIds: { length: 1 },
    });
    const rules = [...ofType('AWS::EC2::SecurityGroupIngress'), ...ofType('AWS::EC2::SecurityGroupEgress')];
    expect(rules.map(({ Type, Properties }) => [Type, Properties['IpProtocol'], Properties['FromPort']])).toEqual([
      ['AWS::EC2::SecurityGroupIngress', 'tcp', 443],
      ['AWS::EC2::SecurityGroupEgress', 'tcp', 443],
    ]);
    for (const { Properties } of ofType('AWS::EC2::SecurityGroup')) {
      expect(Properties['SecurityGroupIngress']).toBeUndefined();
      // What the CDK writes for "nothing": an address that nobody has.
      expect(Properties['SecurityGroupEgress'] ?? []).toEqual(
        Properties['SecurityGroupEgress'] === undefined
          ? []
          : [expect.objectContaining({ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' })],
      );
    }
  });

  test("synth: the endpoint has Lambda's own name in both zones, and lets the caller invoke the alias and nothing else", () => {
    const endpoints = ofType('AWS::EC2::VPCEndpoint');
    expect(endpoints.map(({ Properties }) => Properties)).toMatchObject([
      {
        VpcEndpointType: 'Interface',
        PrivateDnsEnabled: true,
        SubnetIds: { length: 2 },
        PolicyDocument: {
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: { 'Fn::GetAtt': [expect.stringMatching('^CallRole'), 'Arn'] } },
              Action: 'lambda:InvokeFunction',
              Resource: { Ref: 'Live' },
            },
          ],
        },
      },
    ]);
  });

  test('synth: an endpoint for nobody, for nothing or from nowhere is not made, as AWS would let everybody do everything', () => {
    expect(() => access({ functions: [] })).toThrow('no functions');
    expect(() => access({ principals: [] })).toThrow('no principals');
    expect(() => access({ allowedCidrs: [] })).toThrow('no from or allowedCidrs');
  });

  test.each([
    ['every principal', { principals: ['*'] }, 'no pattern as a principal'],
    ['every role', { principals: [gateway, 'arn:aws:iam::111122223333:role/*'] }, 'no pattern as a principal'],
    ['every function', { functions: [{ functionArn: '*' }] }, 'no pattern as a function'],
    ['every alias', { functions: [{ functionArn: `${arn}:*` }] }, 'no pattern as a function'],
    ['any letter', { functions: [{ functionArn: `${arn}:liv?` }] }, 'no pattern as a function'],
    ['the Internet', { allowedCidrs: ['0.0.0.0/0'] }, 'not for 0.0.0.0/0'],
    ['the Internet behind an address', { allowedCidrs: ['10.2.0.0/16', '10.0.0.0/00'] }, 'not for 10.0.0.0/00'],
  ])('synth: an endpoint for %s is not made', (_, change, sentence) => {
    expect(() => access(change)).toThrow(sentence);
  });

  test('synth: the caller has time for each try, and for what is waited between them', () => {
    const { tries, connectMs, answerMs, timeoutSeconds } = callLimits;
    // The SDK waits at most half a second before the second try.
    expect(timeoutSeconds * 1_000).toBeGreaterThan(tries * (connectMs + answerMs) + 500);
    const caller = ofType('AWS::Lambda::Function').find(({ path }) => path === 'Call');
    expect(caller?.Properties['Timeout']).toBe(timeoutSeconds);
  });

  test.each([arn, `${arn}:$LATEST`])('synth: %s is warned of, as it is whatever was written last', (functionArn) => {
    Annotations.fromStack(access({ functions: [{ functionArn }] })).hasWarning(
      '*',
      Match.stringLikeRegexp('Name an alias or a version'),
    );
  });

  test('synth: of networks that are joined only the named ranges get in, and of other organisations nobody', () => {
    const stack = access({ organization: 'o-a1b2c3d4e5' });
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('alias'));
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [{ CidrIp: '10.2.0.0/16', FromPort: 443, ToPort: 443, IpProtocol: 'tcp' }],
    });
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      PolicyDocument: {
        Statement: [
          { Effect: 'Allow', Principal: { AWS: gateway }, Action: 'lambda:InvokeFunction', Resource: `${arn}:live` },
          {
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 'lambda:InvokeFunction',
            Resource: `${arn}:live`,
            Condition: { StringNotEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } },
          },
        ],
      },
    });
  });
});
