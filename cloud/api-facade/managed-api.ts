import {
  AccessLogFormat,
  ApiKeySourceType,
  type EndpointConfiguration,
  EndpointType,
  LogGroupLogDestination,
  MethodLoggingLevel,
  Period,
  RestApi,
  UsagePlan,
} from 'aws-cdk-lib/aws-apigateway';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import type { Stage } from '../stages.ts';
import { accessLogFormat } from './access-log.ts';
import { type PlanName, plans } from './contract.ts';
import { addGatewayProblems } from './gateway-problems.ts';

/** Who reaches the API. `private`: these interface endpoints (execute-api), made by the owners of the networks. */
export type Endpoint = { kind: 'public' } | { kind: 'private'; vpcEndpointIds: readonly string[] };

export interface ManagedApiProps {
  stage: Stage;
  endpoint: Endpoint;
}

/** API management: a REST API without routes, its plans, its log, and its refusals. */
export class ManagedApi extends Construct {
  readonly api: RestApi;
  readonly plans: Readonly<Record<PlanName, UsagePlan>>;

  constructor(scope: Construct, id: string, { stage, endpoint }: ManagedApiProps) {
    super(scope, id);
    const log = new LogGroup(this, 'AccessLog', { retention: stage.logDays, removalPolicy: stage.removalPolicy });
    this.api = new RestApi(this, 'Api', {
      description: 'Incidents and readings',
      ...this.reachedBy(endpoint),
      // An authoriser finds the key of a plan by the hash of what the caller sends: API Gateway never holds the key.
      apiKeySourceType: ApiKeySourceType.AUTHORIZER,
      cloudWatchRole: true,
      cloudWatchRoleRemovalPolicy: stage.removalPolicy,
      deployOptions: {
        stageName: 'api',
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat: AccessLogFormat.custom(accessLogFormat()),
        loggingLevel: MethodLoggingLevel.ERROR,
        // Bodies hold texts of customers.
        dataTraceEnabled: false,
        metricsEnabled: true,
        tracingEnabled: true,
        throttlingRateLimit: 200,
        throttlingBurstLimit: 400,
      },
    });
    this.api.applyRemovalPolicy(stage.removalPolicy);
    acknowledge(
      this.api,
      'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      'The role that API Gateway writes the logs of all APIs of a region with; AWS keeps the policy for it.',
    );
    addGatewayProblems(this.api);
    this.plans = { free: this.plan('free'), partner: this.plan('partner') };
  }

  private plan(name: PlanName): UsagePlan {
    const { requestsPerSecond: rateLimit, burst: burstLimit, requestsPerMonth: limit } = plans[name];
    const stage = this.api.deploymentStage;
    return new UsagePlan(this, name === 'free' ? 'Free' : 'Partner', {
      throttle: { rateLimit, burstLimit },
      quota: { limit, period: Period.MONTH },
      apiStages: [{ api: stage.restApi, stage }],
    });
  }

  private reachedBy(endpoint: Endpoint): { endpointConfiguration: EndpointConfiguration; policy?: PolicyDocument } {
    if (endpoint.kind === 'public') return { endpointConfiguration: { types: [EndpointType.REGIONAL] } };
    return {
      endpointConfiguration: {
        types: [EndpointType.PRIVATE],
        vpcEndpoints: endpoint.vpcEndpointIds.map((vpcEndpointId) =>
          InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(this, vpcEndpointId, { vpcEndpointId, port: 443 }),
        ),
      },
      policy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            principals: [new AnyPrincipal()],
            actions: ['execute-api:Invoke'],
            resources: ['execute-api:/*'],
            conditions: { StringEquals: { 'aws:SourceVpce': endpoint.vpcEndpointIds } },
          }),
        ],
      }),
    };
  }
}
