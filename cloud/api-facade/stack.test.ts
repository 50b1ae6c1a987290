import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, synthesiseRoom } from '../testing/describe-room.ts';
import type { TemplateResource } from '../testing/template.ts';
import { plans } from './contract.ts';
import { ManagedApi } from './managed-api.ts';
import { openApiDocument } from './open-api.ts';
import { operations } from './operations.ts';
import { rights } from './rights.ts';
import { wildcards } from './wildcards.ts';

const room = 'api-facade';
describeRoom(room, { rights, wildcards });

describe(room, () => {
  let resources: readonly TemplateResource[] = [];

  beforeAll(async () => {
    const { stacks } = await synthesiseRoom(room, 'prod');
    resources = [...stacks.values()].flat();
  }, 120_000);

  const ofType = (type: string) => resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);

  test('synth: every operation is a route with the authoriser of its caller, and OpenAPI tells of each', () => {
    const methods = resources.filter(({ Type }) => Type === 'AWS::ApiGateway::Method');
    expect(methods).toHaveLength(operations.length);
    const types = { key: 'CUSTOM', account: 'COGNITO_USER_POOLS', nobody: 'NONE' };
    for (const { method, path, caller } of operations) {
      const found = methods.find((one) => one.path === `Management/Api/Default${path}/${method}`);
      expect(found?.Properties, `${method} ${path}`).toMatchObject({
        AuthorizationType: types[caller],
      });
      expect(found?.Properties['ApiKeyRequired'] ?? false).toBe(caller === 'key');
    }
    const { paths } = z
      .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(openApiDocument());
    const told = Object.entries(paths).flatMap(([path, of]) => Object.keys(of).map((method) => `${method} ${path}`));
    expect(told.toSorted()).toEqual(operations.map(({ method, path }) => `${method.toLowerCase()} ${path}`).toSorted());
  });

  test('synth: a key is looked up for each request, and API Gateway finds its plan by what the authoriser says', () => {
    expect(ofType('AWS::ApiGateway::RestApi')).toMatchObject([
      { ApiKeySourceType: 'AUTHORIZER', EndpointConfiguration: { Types: ['REGIONAL'] } },
    ]);
    expect(ofType('AWS::ApiGateway::Authorizer')).toContainEqual(
      expect.objectContaining({ Type: 'REQUEST', AuthorizerResultTtlInSeconds: 0 }),
    );
    const manage = resources.find(({ path }) => path === 'ManageKeys');
    expect(manage?.Properties['Environment']).toMatchObject({ Variables: { GATEWAY_KEY: 'hash' } });
  });

  test('synth: nobody can sign up unless mail domains are given, and then a function asks for them', async () => {
    expect(ofType('AWS::Cognito::UserPool')).toMatchObject([
      { AdminCreateUserConfig: { AllowAdminCreateUserOnly: true } },
    ]);
    expect(resources.map(({ path }) => path)).not.toContain('AdmitAccount');
    const { stacks } = await synthesiseRoom(room, 'local');
    const open = [...stacks.values()].flat();
    expect(open.find(({ Type }) => Type === 'AWS::Cognito::UserPool')?.Properties).toMatchObject({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: false },
      LambdaConfig: { PreSignUp: expect.anything() },
    });
    expect(open.find(({ path }) => path === 'AdmitAccount')?.Properties).toMatchObject({
      Environment: { Variables: { DOMAINS: 'example.com' } },
    });
  });

  test('synth: the web ACL stands before the API and the user pool, and limits each address', () => {
    const associated = ofType('AWS::WAFv2::WebACLAssociation').map(({ ResourceArn }) => JSON.stringify(ResourceArn));
    expect(associated).toEqual([expect.stringContaining('/restapis/'), expect.stringContaining('AccountsPool')]);
    const rate = z.object({
      Statement: z.object({
        RateBasedStatement: z.object({ AggregateKeyType: z.literal('IP'), Limit: z.number() }).loose(),
      }),
    });
    const [acl] = z
      .array(z.object({ Rules: z.array(z.object({ Name: z.string(), Statement: z.unknown() })) }))
      .parse(ofType('AWS::WAFv2::WebACL'));
    const rules = new Map(acl?.Rules.map(({ Name, Statement }) => [Name, rate.safeParse({ Statement }).data]));
    const people = rules.get('people-rate')?.Statement.RateBasedStatement;
    // A user pool's path is `/`, so that a rule for some path would not see it.
    expect(people).toMatchObject({
      Limit: 300,
      ScopeDownStatement: { NotStatement: { Statement: { ByteMatchStatement: { SearchString: '/api/v1/' } } } },
    });
    const all = rules.get('all-rate')?.Statement.RateBasedStatement;
    expect(all).toEqual({ AggregateKeyType: 'IP', Limit: 20_000, EvaluationWindowSec: 300 });
    expect(all?.Limit).toBeGreaterThan(plans.partner.requestsPerSecond * 300);
  });

  test('synth: a slow instance holds a bounded part of the account, so that the other functions are served on', () => {
    const reserved = resources
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ path, Properties }) => [path, Properties['ReservedConcurrentExecutions']]);
    expect(reserved.filter(([, atOnce]) => atOnce !== undefined)).toEqual([['Mediate', 20]]);
  });

  test('synth: of the keys of API Gateway the facade may delete those alone that it has made', () => {
    const policy = resources.find(({ path }) => path === 'IssueKeys');
    const { Statement } = z
      .object({ Statement: z.array(z.object({ Action: z.string(), Condition: z.unknown().optional() })) })
      .parse(policy?.Properties['PolicyDocument']);
    expect(Statement.find(({ Action }) => Action === 'apigateway:DELETE')?.Condition).toEqual({
      StringEquals: { 'aws:ResourceTag/room': 'api-facade' },
    });
  });

  test('synth: the plans limit as the contract says', () => {
    const limits = ofType('AWS::ApiGateway::UsagePlan').map(({ Quota, Throttle }) => ({ Quota, Throttle }));
    expect(limits).toEqual(
      Object.values(plans).map(({ requestsPerSecond, burst, requestsPerMonth }) => ({
        Quota: { Limit: requestsPerMonth, Period: 'MONTH' },
        Throttle: { RateLimit: requestsPerSecond, BurstLimit: burst },
      })),
    );
  });

  test('synth: the access log has each phase with its error, latency and status, and no key, body or query', () => {
    const [stage] = z
      .array(z.object({ AccessLogSetting: z.object({ Format: z.string() }) }))
      .parse(ofType('AWS::ApiGateway::Stage'));
    const format = stage?.AccessLogSetting.Format ?? '';
    const line: unknown = JSON.parse(format);
    for (const phase of ['waf', 'authenticate', 'authorizer', 'authorize', 'integration']) {
      expect(line).toHaveProperty(phase, {
        error: `$context.${phase}.error`,
        latency: `$context.${phase}.latency`,
        status: `$context.${phase}.status`,
      });
    }
    expect(format).not.toMatch(/apiKey|path\b(?!")|querystring|body/);
  });

  test('synth: what API Gateway refuses is a problem too', () => {
    const answers = ofType('AWS::ApiGateway::GatewayResponse').map((one) => {
      const { ResponseType, StatusCode, ResponseTemplates } = z
        .object({
          ResponseType: z.string(),
          StatusCode: z.string(),
          ResponseTemplates: z.record(z.string(), z.string()),
        })
        .parse(one);
      const template = ResponseTemplates['application/json']?.replace('$context.error.messageString', '"why"') ?? '';
      const body: unknown = JSON.parse(template);
      return [ResponseType, StatusCode, body];
    });
    expect(answers).toContainEqual(['QUOTA_EXCEEDED', '429', expect.objectContaining({ status: 429, detail: 'why' })]);
    expect(answers.map(([type]) => type)).toEqual(expect.arrayContaining(['DEFAULT_4XX', 'DEFAULT_5XX']));
    const waits = ofType('AWS::ApiGateway::GatewayResponse')
      .filter(({ StatusCode }) => StatusCode === '429')
      .map(({ ResponseParameters }) => ResponseParameters);
    expect(waits).toHaveLength(2);
    for (const headers of waits) {
      expect(headers).toMatchObject({ 'gatewayresponse.header.Retry-After': expect.stringMatching(/^'\d+'$/) });
    }
    expect(answers).toContainEqual(['ACCESS_DENIED', '403', expect.objectContaining({ title: 'Forbidden' })]);
  });

  test('synth: a private API is reached through the endpoints that it names, and by nobody else', () => {
    const stack = new Stack(new App(), 'Private');
    const endpoint = { kind: 'private', vpcEndpointIds: ['vpce-0123456789abcdef0'] } as const;
    const { api } = new ManagedApi(stack, 'Management', { stage: stageOf('prod'), endpoint });
    api.root.addMethod('GET');
    Template.fromStack(stack).hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['PRIVATE'], VpcEndpointIds: ['vpce-0123456789abcdef0'] },
      Policy: {
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: '*' },
            Action: 'execute-api:Invoke',
            Resource: 'execute-api:/*',
            Condition: { StringEquals: { 'aws:SourceVpce': ['vpce-0123456789abcdef0'] } },
          },
        ],
      },
    });
  });
});
