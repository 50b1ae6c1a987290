import { Stack } from 'aws-cdk-lib';
import {
  HttpIntegrationType,
  HttpRouteIntegration,
  type HttpRouteIntegrationBindOptions,
  type HttpRouteIntegrationConfig,
  type HttpRouteKey,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';

/**
 * A function behind one route. Its resource policy names that route, method and path; the CDK's own integration lets
 * every method of the path call it.
 */
export class RouteIntegration extends HttpRouteIntegration {
  private readonly handler: IFunction;
  private readonly routeKey: HttpRouteKey;

  constructor(id: string, handler: IFunction, routeKey: HttpRouteKey) {
    super(id);
    this.handler = handler;
    this.routeKey = routeKey;
  }

  override bind({ route }: HttpRouteIntegrationBindOptions): HttpRouteIntegrationConfig {
    this.handler.addPermission('Route', {
      principal: new ServicePrincipal('apigateway.amazonaws.com'),
      sourceArn: Stack.of(route).formatArn({
        service: 'execute-api',
        resource: route.httpApi.apiId,
        // Of any stage: the API has one.
        resourceName: `*/${this.routeKey.method}${this.routeKey.path}`,
      }),
    });
    return {
      type: HttpIntegrationType.AWS_PROXY,
      uri: this.handler.functionArn,
      payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
    };
  }
}
