import { Duration, Stack } from 'aws-cdk-lib';
import { CorsHttpMethod, HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { NodeFunction } from '../shared/node-function.ts';
import { serveHttpApi } from '../shared/serve-http-api.ts';
import type { Stage } from '../stages.ts';
import { RouteIntegration } from './route-integration.ts';

/** Who may call: `iam`, a signature whose identity holds `execute-api:Invoke`; or a token of an issuer. */
export type CrudAuthorizer = 'iam' | { issuer: string; audience: readonly string[] };

export interface HttpCrudProps {
  stage: Stage;
  room: string;
  table: TableV2;
  /** Of the collection: `/devices`, or `/` as in the post. */
  path: string;
  authorizer: CrudAuthorizer;
  /** Origins of pages that may call it; none where empty. */
  allowOrigins: readonly string[];
  /** Of all routes and callers together; a burst may be twice that. More is answered with 429. */
  requestsPerSecond: number;
}

/** What each function does, on which route, and the one right that it holds. */
const verbs = [
  { id: 'List', method: HttpMethod.GET, of: 'all', action: 'dynamodb:Scan', entry: './list.lambda.ts' },
  { id: 'Read', method: HttpMethod.GET, of: 'one', action: 'dynamodb:GetItem', entry: './read.lambda.ts' },
  { id: 'Create', method: HttpMethod.POST, of: 'all', action: 'dynamodb:PutItem', entry: './create.lambda.ts' },
  { id: 'Change', method: HttpMethod.PATCH, of: 'one', action: 'dynamodb:UpdateItem', entry: './change.lambda.ts' },
  { id: 'Remove', method: HttpMethod.DELETE, of: 'one', action: 'dynamodb:UpdateItem', entry: './remove.lambda.ts' },
] as const;
export type Verb = (typeof verbs)[number]['id'];

/** Five functions on an HTTP API over one table: list, read, create, change, remove; one right and one route each. */
export class HttpCrud extends Construct {
  readonly api: HttpApi;
  private readonly functions = new Map<Verb, NodeFunction>();
  private readonly path: string;

  constructor(scope: Construct, id: string, props: HttpCrudProps) {
    super(scope, id);
    const { stage, room, table, path } = props;
    this.path = path;
    this.api = new HttpApi(this, 'Api', {
      createDefaultStage: false,
      ...(props.allowOrigins.length === 0 ? {} : { corsPreflight: corsOf(props.allowOrigins) }),
    });
    serveHttpApi(this, {
      ...{ stage, room, api: this.api, requestsPerSecond: props.requestsPerSecond },
      alsoLogged: ['caller', 'subject', 'path', 'error'],
    });
    const authorizer =
      props.authorizer === 'iam'
        ? new HttpIamAuthorizer()
        : new HttpJwtAuthorizer('Tokens', props.authorizer.issuer, { jwtAudience: [...props.authorizer.audience] });
    for (const verb of verbs) {
      const handler = new NodeFunction(this, verb.id, {
        ...{ stage, room, invoked: 'sync' },
        entry: new URL(verb.entry, import.meta.url),
        timeout: Duration.seconds(10),
        // Somebody waits, and with the memory comes the processor.
        memorySize: 1_024,
        environment: { DDB_TABLE_NAME: table.tableName, DEVICES_PATH: path },
      });
      table.grant(handler, verb.action);
      this.functions.set(verb.id, handler);
      const routeKey = HttpRouteKey.with(this.pathOf(verb.of), verb.method);
      new HttpRoute(this, `${verb.id}Route`, {
        httpApi: this.api,
        routeKey,
        integration: new RouteIntegration(verb.id, handler, routeKey),
        authorizer,
      });
    }
  }

  functionOf(verb: Verb): NodeFunction {
    const found = this.functions.get(verb);
    if (found === undefined) throw new Error(`${this.node.path} has no function ${verb}.`);
    return found;
  }

  /** ARNs of what a caller has to be allowed, `execute-api:Invoke`: what only reads, or everything. */
  routeArns(which: 'reads' | 'all'): string[] {
    return verbs
      .filter(({ method }) => which === 'all' || method === HttpMethod.GET)
      .map(({ method, of }) =>
        Stack.of(this).formatArn({
          service: 'execute-api',
          resource: this.api.apiId,
          resourceName: `$default/${method}${this.pathOf(of).replace('{id}', '*')}`,
        }),
      );
  }

  private pathOf(of: 'all' | 'one'): string {
    if (of === 'all') return this.path;
    return this.path === '/' ? '/{id}' : `${this.path}/{id}`;
  }
}

function corsOf(allowOrigins: readonly string[]) {
  return {
    allowOrigins: [...allowOrigins],
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.PATCH, CorsHttpMethod.DELETE],
    allowHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-amz-date', 'x-amz-security-token'],
    exposeHeaders: ['location', 'retry-after'],
    maxAge: Duration.hours(1),
  };
}
