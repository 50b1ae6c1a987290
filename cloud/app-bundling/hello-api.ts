import { Duration } from 'aws-cdk-lib';
import { CorsHttpMethod, HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge.ts';
import { serveHttpApi } from '../shared/serve-http-api.ts';
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
    const [route] = this.api.addRoutes({
      path: '/hello',
      methods: [HttpMethod.GET],
      integration: new HttpLambdaIntegration('Hello', handler),
    });
    if (route !== undefined) {
      acknowledge(route, 'AwsSolutions-APIG4', 'It says hello to everybody, reads nothing and changes nothing.');
    }
    serveHttpApi(this, { stage, room, api: this.api, requestsPerSecond });
  }
}
