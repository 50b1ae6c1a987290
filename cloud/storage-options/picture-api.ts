import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccountPrincipal, CompositePrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { NodeFunction } from '../shared/node-function.ts';
import { serveHttpApi } from '../shared/serve-http-api.ts';
import type { Stage } from '../stages.ts';

export interface PictureApiProps {
  stage: Stage;
  room: string;
  /** Environments of the two functions. */
  offer: Record<string, string>;
  list: Record<string, string>;
  /** Of all callers together; more is answered with 429. */
  requestsPerSecond: number;
  /** Accounts, 12 digits each, that may take the roles of cameras and viewers. */
  callerAccounts: readonly string[];
}

/**
 * `POST /pictures` and `GET /pictures`, for who holds the right in IAM: `Camera` for the one, `Viewer` for the other. A device takes
 * the role of cameras by the credentials that its certificate gives it.
 */
export class PictureApi extends Construct {
  readonly api: HttpApi;
  readonly offer: NodeFunction;
  readonly list: NodeFunction;

  constructor(scope: Construct, id: string, props: PictureApiProps) {
    super(scope, id);
    const { stage, room, requestsPerSecond } = props;
    this.api = new HttpApi(this, 'Http', { createDefaultStage: false });
    serveHttpApi(this, {
      ...{ stage, room, api: this.api, requestsPerSecond, alsoLogged: ['caller', 'error'] },
    });
    const fn = (name: string, entry: URL, environment: Record<string, string>) =>
      new NodeFunction(this, name, {
        ...{ stage, room, entry, environment, invoked: 'sync', memorySize: 512, timeout: Duration.seconds(15) },
      });
    this.offer = fn('Offer', new URL('./offer.lambda.ts', import.meta.url), props.offer);
    this.list = fn('List', new URL('./list.lambda.ts', import.meta.url), props.list);
    const authorizer = new HttpIamAuthorizer();
    for (const [method, handler] of [
      [HttpMethod.POST, this.offer],
      [HttpMethod.GET, this.list],
    ] as const) {
      const integration = new HttpLambdaIntegration(`${method}Integration`, handler);
      this.api.addRoutes({ path: '/pictures', methods: [method], integration, authorizer });
    }
    this.addCaller('Camera', HttpMethod.POST, props.callerAccounts);
    this.addCaller('Viewer', HttpMethod.GET, props.callerAccounts);
  }

  private addCaller(name: 'Camera' | 'Viewer', method: HttpMethod, accounts: readonly string[]): void {
    const stack = Stack.of(this);
    const role = new Role(this, name, {
      assumedBy: new CompositePrincipal(...[stack.account, ...accounts].map((one) => new AccountPrincipal(one))),
      description: `${name} of the pictures of incidents`,
    });
    const { apiId: resource } = this.api;
    const route = stack.formatArn({ service: 'execute-api', resource, resourceName: `$default/${method}/pictures` });
    role.addToPolicy(new PolicyStatement({ actions: ['execute-api:Invoke'], resources: [route] }));
    new CfnOutput(stack, `${name}RoleArn`, { value: role.roleArn });
  }
}
