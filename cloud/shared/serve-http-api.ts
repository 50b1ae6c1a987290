import { Duration } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { type HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Stage } from '../stages.ts';
import { RoomAlarm } from './alarm.ts';

export interface ServedApiOptions {
  stage: Stage;
  room: string;
  /** Made with `createDefaultStage: false`. */
  api: HttpApi;
  /** Of all routes and callers together; a burst may be twice that. More is answered with 429. */
  requestsPerSecond: number;
  /** What the access log has beside what it always has. */
  alsoLogged?: readonly (keyof typeof further)[];
}

/**
 * The one stage of the HTTP API of a construct, as its children `Stage` and `AccessLog`, deployed with each change, with a limit for all
 * callers together; and the alarm `ServerErrors`, for the heading `Server errors` of the room's runbook.
 */
export function serveHttpApi(scope: Construct, options: ServedApiOptions): void {
  const { stage, room, api, requestsPerSecond, alsoLogged = [] } = options;
  api.applyRemovalPolicy(stage.removalPolicy);
  const accessLog = new LogGroup(scope, 'AccessLog', {
    retention: stage.logDays,
    removalPolicy: stage.removalPolicy,
  });
  const fields = { ...always, ...Object.fromEntries(alsoLogged.map((name) => [name, further[name]])) };
  new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: requestsPerSecond, burstLimit: requestsPerSecond * 2 },
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLog),
      format: AccessLogFormat.custom(JSON.stringify(fields)),
    },
  });
  new RoomAlarm(scope, 'ServerErrors', {
    ...{ stage, room, watches: 'errors' },
    metric: api.metricServerError({ period: Duration.minutes(1), statistic: 'Sum' }),
    threshold: 5,
    evaluationPeriods: 3,
    says: `The API of ${room} has answered five times a minute with 5xx, for three minutes.`,
    runbook: 'Server errors',
  });
}

/** Who, what, and how it went; never a body, which may have signed addresses. */
const always = {
  requestId: '$context.requestId',
  requestTime: '$context.requestTime',
  ip: '$context.identity.sourceIp',
  routeKey: '$context.routeKey',
  status: '$context.status',
  responseLatencyMs: '$context.responseLatency',
  integrationError: '$context.integrationErrorMessage',
};
const further = {
  caller: '$context.identity.userArn',
  subject: '$context.authorizer.claims.sub',
  path: '$context.path',
  error: '$context.error.message',
};
