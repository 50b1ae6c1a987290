import { Duration } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { CorsHttpMethod, HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { RoomAlarm } from '../shared/alarm.ts';
import type { Stage } from '../stages.ts';

export interface HelloApiProps {
  stage: Stage;
  room: string;
  handler: IFunction;
  /** Origins of pages that may read it. */
  allowOrigins: readonly string[];
  /** Of all callers together; a burst may be twice that. More is answered with 429. */
  requestsPerSecond: number;
}

/** `GET /hello`, for everybody, and nothing else. */
export class HelloApi extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, props: HelloApiProps) {
    super(scope, id);
    const { stage, room, handler, requestsPerSecond } = props;
    this.api = new HttpApi(this, 'Api', {
      createDefaultStage: false,
      corsPreflight: {
        allowOrigins: [...props.allowOrigins],
        allowMethods: [CorsHttpMethod.GET],
        maxAge: Duration.hours(1),
      },
    });
    this.api.applyRemovalPolicy(stage.removalPolicy);
    const [route] = this.api.addRoutes({
      path: '/hello',
      methods: [HttpMethod.GET],
      integration: new HttpLambdaIntegration('Hello', handler),
    });
    if (route !== undefined) {
      acknowledge(route, 'AwsSolutions-APIG4', 'It says hello to everybody, reads nothing and changes nothing.');
    }
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: stage.logDays,
      removalPolicy: stage.removalPolicy,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: requestsPerSecond * 2 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            requestTime: '$context.requestTime',
            ip: '$context.identity.sourceIp',
            routeKey: '$context.routeKey',
            status: '$context.status',
            responseLatencyMs: '$context.responseLatency',
            integrationError: '$context.integrationErrorMessage',
          }),
        ),
      },
    });
    new RoomAlarm(this, 'ServerErrors', {
      ...{ stage, room, watches: 'errors' },
      metric: this.api.metricServerError({ period: Duration.minutes(1), statistic: 'Sum' }),
      threshold: 5,
      evaluationPeriods: 3,
      says: `The API of ${room} has answered five times a minute with 5xx, for three minutes.`,
      runbook: 'Server errors',
    });
  }
}
