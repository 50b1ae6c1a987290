import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  SimulateCustomPolicyCommand,
} from '@aws-sdk/client-iam';
import { GetAliasCommand, GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, test } from 'vitest';
import { account, client } from '../testing/clients.ts';
import { describeRights } from '../testing/describe-rights.ts';
import { output } from '../testing/outputs.ts';
import { statementsOf, withoutStatement } from '../testing/roles.ts';
import { inWords, resourcesOf } from '../testing/template.ts';
import { aliasName } from './contract.ts';
import { rights } from './rights.ts';
import { statementsFor } from './test-endpoint-statements.ts';

const stack = 'LambdaPrivateLinkStack';
const caller = output(stack, 'CallRoleArn');
const live = output(stack, 'LiveArn');
const answer = output(stack, 'AnswerArn');

/** The statements of the deployed endpoint's policy that apply to one caller, as a policy of that caller. */
async function policyFor(principal: string): Promise<string> {
  const { TemplateBody = '{}' } = await client(CloudFormationClient).send(new GetTemplateCommand({ StackName: stack }));
  const resources = resourcesOf(JSON.parse(TemplateBody));
  const arns = new Map([
    ['CallRole', caller],
    ['Live', live],
  ]);
  const arnOf = (value: unknown) => arns.get(inWords(value, resources)) ?? inWords(value, resources);
  const endpoint = resources.find(({ Type }) => Type === 'AWS::EC2::VPCEndpoint');
  const Statement = statementsFor(principal, endpoint?.Properties['PolicyDocument'], arnOf);
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

async function call(request: unknown) {
  const { FunctionError, Payload } = await client(LambdaClient).send(
    new InvokeCommand({ FunctionName: output(stack, 'CallName'), Payload: JSON.stringify(request) }),
  );
  return { FunctionError, text: Buffer.from(Payload ?? []).toString() };
}

describe('lambda-privatelink', () => {
  test('deployed: the network, the endpoint and the alias are there, and on AWS the caller stands in the network', async () => {
    const { StackResources = [] } = await client(CloudFormationClient).send(
      new DescribeStackResourcesCommand({ StackName: stack }),
    );
    const made = (type: string) => StackResources.filter(({ ResourceType }) => ResourceType === type);
    expect(made('AWS::EC2::Subnet')).toHaveLength(2);
    expect(made('AWS::EC2::VPCEndpoint').map((one) => one.PhysicalResourceId)).toEqual([output(stack, 'EndpointId')]);
    const { FunctionVersion } = await client(LambdaClient).send(
      new GetAliasCommand({ FunctionName: answer, Name: aliasName }),
    );
    expect(FunctionVersion).toBe('1');
    // The local account drops what a template says of a function's network.
    const { VpcConfig } = await client(LambdaClient).send(
      new GetFunctionConfigurationCommand({ FunctionName: output(stack, 'CallName') }),
    );
    expect(VpcConfig?.SubnetIds?.length ?? 0).toBe(account.isLocal ? 0 : 2);
  });

  test('triggered: a function in the network calls the alias and passes its answer on', async () => {
    const { FunctionError, text } = await call({ deviceId: 'press-4' });
    expect([FunctionError, text]).toEqual([undefined, expect.any(String)]);
    expect(JSON.parse(text)).toEqual({ deviceId: 'press-4', version: '1' });
  });

  test('effect: a request that is none is refused before anything is called', async () => {
    const { FunctionError, text } = await call({ deviceId: '' });
    expect(FunctionError).toBeDefined();
    expect(text).toContain('deviceId');
  });

  const other = `arn:aws:iam::${account.id}:role/somebody-else`;
  test.each([
    ['allowed', caller, 'lambda:InvokeFunction', live],
    ['denied', caller, 'lambda:InvokeFunction', answer],
    ['denied', caller, 'lambda:InvokeFunction', `${answer}:$LATEST`],
    ['denied', caller, 'lambda:InvokeFunction', `${answer}:1`],
    ['denied', caller, 'lambda:InvokeFunction', `${live}2`],
    ['denied', caller, 'lambda:InvokeFunction', live.replace('function:', 'function:x')],
    ['denied', caller, 'lambda:InvokeAsync', live],
    ['denied', caller, 'lambda:InvokeFunctionUrl', live],
    ['denied', caller, 'lambda:GetFunction', live],
    ['denied', caller, 'lambda:UpdateFunctionCode', answer],
    ['denied', other, 'lambda:InvokeFunction', live],
    ['denied', `arn:aws:iam::${account.id}:root`, 'lambda:InvokeFunction', live],
  ])('rights: the policy of the endpoint: %s for %s to %s on %s', async (verdict, principal, action, resource) => {
    const { EvaluationResults = [] } = await client(IAMClient).send(
      new SimulateCustomPolicyCommand({
        PolicyInputList: [await policyFor(principal)],
        ActionNames: [action],
        ResourceArns: [resource],
      }),
    );
    const decisions = EvaluationResults.map(({ EvalDecision }) => (EvalDecision === 'allowed' ? 'allowed' : 'denied'));
    expect(decisions).toEqual([verdict]);
  });

  test('rights: who may call every function calls, under the policy of the endpoint, the alias and no other', async () => {
    const RoleName = 'privatelink-gateway';
    const name = { RoleName, PolicyName: 'calls' };
    const iam = client(IAMClient);
    const document = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
    const trust = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.id}:root` }, Action: 'sts:AssumeRole' };
    const calls = { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: [answer, `${answer}:*`] };
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(trust) }));
    try {
      await iam.send(new PutRolePolicyCommand({ ...name, PolicyDocument: document(calls) }));
      const attempt = async (FunctionName: string, Policy?: string) => {
        const { Credentials } = await client(STSClient).send(
          new AssumeRoleCommand({
            RoleArn: Role?.Arn,
            RoleSessionName: 'gateway',
            ...(Policy === undefined ? {} : { Policy }),
          }),
        );
        const lambda = client(LambdaClient, {
          accessKeyId: Credentials?.AccessKeyId ?? '',
          secretAccessKey: Credentials?.SecretAccessKey ?? '',
          sessionToken: Credentials?.SessionToken ?? '',
        });
        return lambda.send(new InvokeCommand({ FunctionName, Payload: '{"deviceId":"press-4"}' })).then(
          ({ FunctionError }) => FunctionError ?? 'called',
          (error: unknown) => (error instanceof Error ? error.name : String(error)),
        );
      };
      expect(await attempt(answer)).toBe('called');
      const policy = await policyFor(caller);
      expect(await attempt(live, policy)).toBe('called');
      expect(await attempt(answer, policy)).toBe('AccessDeniedException');
      expect(await attempt(live, await policyFor(other))).toBe('AccessDeniedException');
    } finally {
      await iam.send(new DeleteRolePolicyCommand(name));
      await iam.send(new DeleteRoleCommand({ RoleName }));
    }
  });

  test('rights: a caller whose role lacks the right is denied, whatever the endpoint says', async () => {
    const role = output(stack, 'CallRoleName');
    const statement = (await statementsOf(role)).find(({ actions }) => actions.includes('lambda:InvokeFunction'));
    if (statement === undefined) throw new Error(`${role} may not call at all`);
    const denied = await withoutStatement(role, statement, () => call({ deviceId: 'press-4' }));
    expect(denied.FunctionError).toBeDefined();
    expect(denied.text).toContain('lambda:InvokeFunction');
  });
});

describeRights('lambda-privatelink', { stack, rights });
