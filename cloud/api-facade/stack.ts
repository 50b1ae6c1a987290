import { Aws, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import {
  AuthorizationType,
  CognitoUserPoolsAuthorizer,
  LambdaIntegration,
  type MethodOptions,
  RequestAuthorizer,
} from 'aws-cdk-lib/aws-apigateway';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { z } from 'zod';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import { NodeFunction } from '../shared/node-function.ts';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { readingsTableName } from '../stream-ingestion/contract.ts';
import { keyTags } from './contract.ts';
import { type Endpoint, ManagedApi } from './managed-api.ts';
import { type Operation, operations } from './operations.ts';
import { PortalAccounts } from './portal-accounts.ts';
import { WebAcl } from './web-acl.ts';
import { wildcards } from './wildcards.ts';

const room = 'api-facade';
const plansParameter = '/greengrass-itsm/api-facade/plans';

export interface ApiFacadeProps {
  stage: Stage;
  endpoint?: Endpoint;
  /** What the facade speaks with ServiceNow. */
  format?: 'xml' | 'json';
  /** Table of the room stream-ingestion. */
  readingsTable?: string;
  /**
   * Mail domains whose people may sign up, such as `example.com`; each then reads every incident and reading. None where
   * absent: operators make the accounts.
   */
  signUpDomains?: readonly string[];
}

/** API management and mediation in front of ServiceNow: keys and plans, a portal, JSON outside, XML inside. */
export class ApiFacadeStack extends Stack {
  private readonly stage: Stage;

  constructor(scope: Construct, props: ApiFacadeProps) {
    super(scope, 'ApiFacadeStack', { description: 'API facade: API Gateway, Lambda, Cognito, ServiceNow' });
    const { stage, endpoint = { kind: 'public' }, format = 'xml', readingsTable = readingsTableName } = props;
    const signUpDomains = z.array(mailDomain).parse(props.signUpDomains ?? []);
    this.stage = stage;

    const keys = new TableV2(this, 'Keys', {
      partitionKey: { name: 'account', type: AttributeType.STRING },
      sortKey: { name: 'slot', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.deletionProtection,
      removalPolicy: stage.removalPolicy,
    });
    const instance = new CfnSecret(this, 'Instance', {
      description: 'ServiceNow behind the facade: {"url","username","password"}',
      // A form to fill in; CloudFormation does not touch what somebody has written.
      secretString: '{"url":"","username":"","password":""}',
    });
    instance.applyRemovalPolicy(stage.removalPolicy);
    acknowledge(
      instance,
      'AwsSolutions-SMG4',
      'The password is that of a user of ServiceNow and is changed there; the function takes the new one within 30 s.',
    );
    const admit =
      signUpDomains.length === 0
        ? undefined
        : this.createFunction('AdmitAccount', new URL('./admit-account.lambda.ts', import.meta.url), {
            environment: { DOMAINS: signUpDomains.join() },
            // A user pool waits no longer.
            seconds: 5,
          });
    const accounts = new PortalAccounts(this, 'Accounts', { stage, admit });
    const { api, plans } = new ManagedApi(this, 'Management', { stage, endpoint });
    new WebAcl(this, 'WebAcl', {
      resources: { Api: api.deploymentStage.stageArn, Accounts: accounts.pool.userPoolArn },
      peopleRequests: 300,
      // More than a key of the plan partner may send.
      requests: 20_000,
    });

    const mediate = this.createFunction('Mediate', new URL('./mediate.lambda.ts', import.meta.url), {
      // Not Ref, which is the ARN on AWS and a name in the local account.
      environment: { SECRET_ARN: instance.attrId, FORMAT: format },
      // A look-up and a write of ten seconds each; API Gateway waits 29 s.
      seconds: 28,
      // A slow instance holds as many and no more, so that readings and keys are served on.
      atOnce: 20,
    });
    allow(mediate, 'secretsmanager:GetSecretValue', instance.attrId);

    const readReadings = this.createFunction('ReadReadings', new URL('./read-readings.lambda.ts', import.meta.url), {
      environment: { READINGS_TABLE: readingsTable },
    });
    allow(
      readReadings,
      'dynamodb:Query',
      this.formatArn({ service: 'dynamodb', resource: 'table', resourceName: readingsTable }),
    );

    const manageKeys = this.createFunction('ManageKeys', new URL('./manage-keys.lambda.ts', import.meta.url), {
      environment: {
        KEY_TABLE: keys.tableName,
        PLANS_PARAMETER: plansParameter,
        // The local account finds a key by the header's text, not by what the authoriser answers.
        GATEWAY_KEY: stage.name === 'local' ? 'text' : 'hash',
      },
    });
    keys.grant(manageKeys, 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem');
    this.letIssueFor(manageKeys, plans);

    const showPortal = this.createFunction('ShowPortal', new URL('./show-portal.lambda.ts', import.meta.url), {
      environment: {
        CLIENT_ID: accounts.client.userPoolClientId,
        SIGN_UP: signUpDomains.length === 0 ? 'closed' : 'open',
        USER_POOL_URL: `https://cognito-idp.${Aws.REGION}.${Aws.URL_SUFFIX}/`,
      },
      page: new URL('./portal/', import.meta.url),
    });

    const authorise = this.createFunction('Authorise', new URL('./authorise.lambda.ts', import.meta.url), {
      environment: { KEY_TABLE: keys.tableName },
    });
    keys.grant(authorise, 'dynamodb:UpdateItem');

    const callers: Record<Operation['caller'], MethodOptions> = {
      key: {
        authorizationType: AuthorizationType.CUSTOM,
        authorizer: new RequestAuthorizer(this, 'KeyAuthoriser', {
          handler: authorise,
          // Nothing is cached: a revoked key is refused at once. Without sources a missing key is asked about too, and gets 403.
          identitySources: [],
          resultsCacheTtl: Duration.seconds(0),
        }),
        apiKeyRequired: true,
      },
      account: {
        authorizationType: AuthorizationType.COGNITO,
        authorizer: new CognitoUserPoolsAuthorizer(this, 'AccountAuthoriser', { cognitoUserPools: [accounts.pool] }),
      },
      nobody: { authorizationType: AuthorizationType.NONE },
    };
    const integrations: Record<Operation['server'], LambdaIntegration> = {
      Mediate: new LambdaIntegration(mediate, { allowTestInvoke: false }),
      ReadReadings: new LambdaIntegration(readReadings, { allowTestInvoke: false }),
      ManageKeys: new LambdaIntegration(manageKeys, { allowTestInvoke: false }),
      ShowPortal: new LambdaIntegration(showPortal, { allowTestInvoke: false }),
    };
    const requestValidator = api.addRequestValidator('Validator', {
      validateRequestParameters: true,
      validateRequestBody: true,
    });
    for (const operation of operations) {
      const { path, method, server, caller } = operation;
      const route = api.root.resourceForPath(path).addMethod(method, integrations[server], {
        ...callers[caller],
        requestValidator,
        requestParameters: requiredParameters(operation),
      });
      if (caller === 'nobody') acknowledge(route, 'AwsSolutions-APIG4', openReason);
      if (caller !== 'account') acknowledge(route, 'AwsSolutions-COG4', caller === 'key' ? keyReason : openReason);
    }

    new RoomAlarm(this, 'ServerErrors', {
      ...{ stage, room, watches: 'errors', threshold: 10, evaluationPeriods: 2 },
      metric: api.metricServerError({ period: Duration.minutes(5), statistic: 'Sum' }),
      says: 'The facade has answered ten or more requests with 5xx in each of two times five minutes.',
      runbook: 'Server errors',
    });

    new CfnOutput(this, 'ApiId', { value: api.restApiId });
    new CfnOutput(this, 'ApiUrl', { value: api.url });
    new CfnOutput(this, 'ClientId', { value: accounts.client.userPoolClientId });
    new CfnOutput(this, 'UserPoolId', { value: accounts.pool.userPoolId });
    new CfnOutput(this, 'InstanceSecretArn', { value: instance.attrId });
    new CfnOutput(this, 'KeyTableName', { value: keys.tableName });
    new CfnOutput(this, 'ReadReadingsRoleName', { value: readReadings.role?.roleName ?? '' });
    allowWildcards(this, wildcards);
  }

  /**
   * Plans need the API's deployment, which needs its functions. So the function that issues keys finds the plans at run
   * time, and what it may do with them is a policy of its own, for which the function does not wait.
   */
  private letIssueFor(manageKeys: NodeFunction, plans: ManagedApi['plans']): void {
    const ids = Object.fromEntries(Object.entries(plans).map(([name, { usagePlanId }]) => [name, usagePlanId]));
    new StringParameter(this, 'Plans', {
      parameterName: plansParameter,
      description: 'Usage plan of API Gateway for each plan of the facade',
      stringValue: this.toJsonString(ids),
    });
    const parameter = this.formatArn({ service: 'ssm', resource: `parameter${plansParameter}` });
    const management = `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}::`;
    const policy = new Policy(this, 'IssueKeys', {
      statements: [
        new PolicyStatement({ actions: ['ssm:GetParameter'], resources: [parameter] }),
        new PolicyStatement({
          actions: ['apigateway:POST'],
          resources: [
            `${management}/apikeys`,
            ...Object.values(ids).map((id) => `${management}/usageplans/${id}/keys`),
          ],
        }),
        // What a tag at creation asks for. To tag a key of somebody else would take PATCH on that key too.
        new PolicyStatement({
          actions: ['apigateway:PUT'],
          resources: [`${management}/tags/arn%3A${Aws.PARTITION}%3Aapigateway%3A${Aws.REGION}%3A%3A%2Fapikeys%2F*`],
        }),
        new PolicyStatement({
          actions: ['apigateway:DELETE'],
          resources: [`${management}/apikeys/*`],
          // The local account knows no tags of its keys.
          ...(this.stage.name === 'local' ? {} : { conditions: { StringEquals: ownKey } }),
        }),
      ],
    });
    manageKeys.role?.attachInlinePolicy(policy);
  }

  private createFunction(
    id: string,
    entry: URL,
    { environment, seconds = 10, atOnce, page }: FunctionSettings,
  ): NodeFunction {
    return new NodeFunction(this, id, {
      ...{ stage: this.stage, room, entry, invoked: 'sync', environment },
      timeout: Duration.seconds(seconds),
      ...(page === undefined ? {} : { page }),
      ...(atOnce === undefined ? {} : { reservedConcurrentExecutions: atOnce }),
    });
  }
}

/** Keys of API Gateway that the facade has made itself. */
const ownKey = Object.fromEntries(Object.entries(keyTags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]));

interface FunctionSettings {
  environment: Record<string, string>;
  seconds?: number;
  /** Executions at the same time, reserved in the account and the most that there are. */
  atOnce?: number;
  page?: URL;
}

const mailDomain = z
  .string()
  .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'signUpDomains: write each domain in lower case without @, such as example.com');
const openReason = 'The page by which people get an account, and the description of the API, are for everybody.';
const keyReason = 'Programs call it, with a key of a plan, which an authoriser of its own checks.';

function allow(fn: NodeFunction, action: string, ...resources: string[]): void {
  fn.addToRolePolicy(new PolicyStatement({ actions: [action], resources }));
}

/** What API Gateway refuses a request without, before any function runs. */
function requiredParameters({ query }: Operation): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(query?.shape ?? {})
      .filter(([, schema]) => !z.safeParse(schema, undefined).success)
      .map(([name]) => [`method.request.querystring.${name}`, true]),
  );
}
