import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { z } from 'zod';
import type { PolicyDocument } from '../../cloud/greengrass/names.ts';

/**
 * Greengrass V2 and the role aliases of AWS IoT, which the local account lacks, in the shapes of the SDK's own models
 * (paths, fields, errors). Rights are enforced by the policy that is given. What else is asked of AWS IoT goes on to the
 * local account, signed as it came.
 */
export interface TestServices {
  url: string;
  /** What is left, for "nothing is left". */
  left(): string[];
  /** The device reports itself, as its nucleus would. */
  report(core: ReportedCore): void;
  stop(): Promise<void>;
}

export interface ReportedCore {
  thing: string;
  /** What the device says of the latest deployment. */
  status: string;
  reason?: string;
  components?: { componentName: string; componentVersion: string; lifecycleState: string }[];
}

interface Options {
  account: string;
  region: string;
  policy?: PolicyDocument;
  /** HTTPS endpoint of the local account; without it only what stands here is known. */
  forwardTo?: string;
}

interface Version {
  arn: string;
  name: string;
  version: string;
  tags: Record<string, string>;
  /** Looks until it is deployable. */
  looks: number;
}

interface DeploymentState {
  id: string;
  target: string;
  body: Record<string, unknown>;
  status: string;
  latest: boolean;
}

const componentBody = z.object({ inlineRecipe: z.string(), tags: z.record(z.string(), z.string()).default({}) });
const recipeBody = z.looseObject({ ComponentName: z.string(), ComponentVersion: z.string() });
const deploymentBody = z.looseObject({ targetArn: z.string() });
const aliasBody = z.object({
  roleArn: z.string(),
  credentialDurationSeconds: z.number().optional(),
  tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
});

class Fault extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const absent = (what: string) => new Fault(404, 'ResourceNotFoundException', `${what} does not exist`);

export async function startTestServices({ account, region, policy, forwardTo }: Options): Promise<TestServices> {
  const versions = new Map<string, Version>();
  const deployments: DeploymentState[] = [];
  const aliases = new Map<string, z.infer<typeof aliasBody>>();
  const cores = new Map<string, ReportedCore>();
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;

  function allow(action: string, resource: string): void {
    if (policy === undefined || policy.Statement.some((one) => grants(one, action, resource))) return;
    throw new Fault(
      403,
      'AccessDeniedException',
      `User: arn:aws:sts::${account}:assumed-role/x/y is not authorized to perform: ${action} on resource: ${resource}`,
    );
  }

  const greengrass: Route[] = [
    [
      'POST /greengrass/v2/createComponentVersion',
      (_parts, body) => {
        allow('greengrass:CreateComponentVersion', '*');
        const { inlineRecipe, tags } = componentBody.parse(body);
        const recipe = recipeBody.parse(JSON.parse(Buffer.from(inlineRecipe, 'base64').toString('utf8')));
        const { ComponentName: name, ComponentVersion: version } = recipe;
        const versionArn = arn('greengrass', `components:${name}:versions:${version}`);
        if (Object.keys(tags).length > 0) allow('greengrass:TagResource', versionArn);
        if (versions.has(versionArn)) throw new Fault(409, 'ConflictException', `${versionArn} exists`);
        versions.set(versionArn, { arn: versionArn, name, version, tags, looks: 1 });
        return {
          arn: versionArn,
          componentName: name,
          componentVersion: version,
          status: { componentState: 'REQUESTED' },
        };
      },
    ],
    [
      'GET /greengrass/v2/components/:arn/metadata',
      ([versionArn = '']) => {
        allow('greengrass:DescribeComponent', versionArn);
        const found = versions.get(versionArn);
        if (found === undefined) throw absent(versionArn);
        const componentState = found.looks > 0 ? 'INITIATED' : 'DEPLOYABLE';
        found.looks -= 1;
        const { name: componentName, version: componentVersion, tags } = found;
        return { arn: versionArn, componentName, componentVersion, tags, status: { componentState, errors: {} } };
      },
    ],
    [
      'GET /greengrass/v2/components/:arn/versions',
      ([componentArn = '']) => {
        allow('greengrass:ListComponentVersions', componentArn);
        const found = [...versions.values()].filter((one) => one.arn.startsWith(`${componentArn}:`));
        if (found.length === 0) throw absent(componentArn);
        return {
          componentVersions: found.map(({ arn, name, version }) => ({
            arn,
            componentName: name,
            componentVersion: version,
          })),
        };
      },
    ],
    [
      'DELETE /greengrass/v2/components/:arn',
      ([versionArn = '']) => {
        allow('greengrass:DeleteComponent', versionArn);
        if (!versions.delete(versionArn)) throw absent(versionArn);
        return undefined;
      },
    ],
    [
      'POST /greengrass/v2/deployments',
      (_parts, body) => {
        allow('greengrass:CreateDeployment', '*');
        const parsed = deploymentBody.parse(body);
        const id = randomUUID();
        allow('greengrass:TagResource', arn('greengrass', `deployments:${id}`));
        allow('iot:CreateJob', parsed.targetArn);
        for (const one of deployments.filter(({ target }) => target === parsed.targetArn)) {
          one.latest = false;
          if (one.status === 'ACTIVE') one.status = 'INACTIVE';
        }
        deployments.push({ id, target: parsed.targetArn, body: parsed, status: 'ACTIVE', latest: true });
        return { deploymentId: id, iotJobId: randomUUID() };
      },
    ],
    [
      'GET /greengrass/v2/deployments',
      (_parts, _body, query) => {
        allow('greengrass:ListDeployments', '*');
        const listed = deployments.filter(({ target }) => target === query.get('targetArn'));
        return {
          deployments: listed.map(({ id, target, status, latest }) => ({
            deploymentId: id,
            targetArn: target,
            deploymentStatus: status,
            isLatestForTarget: latest,
          })),
        };
      },
    ],
    [
      'GET /greengrass/v2/deployments/:id',
      ([id = '']) => {
        allow('greengrass:GetDeployment', arn('greengrass', `deployments:${id}`));
        const { body, status, latest } = deployment(id);
        return { ...body, deploymentId: id, deploymentStatus: status, isLatestForTarget: latest };
      },
    ],
    [
      'POST /greengrass/v2/deployments/:id/cancel',
      ([id = '']) => {
        allow('greengrass:CancelDeployment', arn('greengrass', `deployments:${id}`));
        deployment(id).status = 'CANCELED';
        return { message: 'canceled' };
      },
    ],
    [
      'DELETE /greengrass/v2/deployments/:id',
      ([id = '']) => {
        allow('greengrass:DeleteDeployment', arn('greengrass', `deployments:${id}`));
        const found = deployment(id);
        if (found.status === 'ACTIVE') throw new Fault(409, 'ConflictException', `${id} is active`);
        deployments.splice(deployments.indexOf(found), 1);
        return undefined;
      },
    ],
    [
      'GET /greengrass/v2/coreDevices/:thing',
      ([thing = '']) => {
        allow('greengrass:GetCoreDevice', arn('greengrass', `coreDevices:${thing}`));
        core(thing);
        return { coreDeviceThingName: thing, coreVersion: '2.15.0', status: 'HEALTHY', tags: {} };
      },
    ],
    [
      'DELETE /greengrass/v2/coreDevices/:thing',
      ([thing = '']) => {
        allow('greengrass:DeleteCoreDevice', arn('greengrass', `coreDevices:${thing}`));
        core(thing);
        cores.delete(thing);
        return undefined;
      },
    ],
    [
      'GET /greengrass/v2/coreDevices/:thing/effectiveDeployments',
      ([thing = '']) => {
        allow('greengrass:ListEffectiveDeployments', arn('greengrass', `coreDevices:${thing}`));
        const { status, reason } = core(thing);
        const latest = deployments.find((one) => one.latest);
        if (latest === undefined) return { effectiveDeployments: [] };
        const times = { creationTimestamp: 0, modifiedTimestamp: 0 };
        const { id: deploymentId, target: targetArn } = latest;
        const one = {
          deploymentId,
          deploymentName: '',
          targetArn,
          coreDeviceExecutionStatus: status,
          reason,
          ...times,
        };
        return { effectiveDeployments: [one] };
      },
    ],
    [
      'GET /greengrass/v2/coreDevices/:thing/installedComponents',
      ([thing = '']) => {
        allow('greengrass:ListInstalledComponents', arn('greengrass', `coreDevices:${thing}`));
        return { installedComponents: core(thing).components ?? [] };
      },
    ],
  ];

  const iot: Route[] = [
    [
      'POST /role-aliases/:alias',
      ([alias = ''], body) => {
        const aliasArn = arn('iot', `rolealias/${alias}`);
        const parsed = aliasBody.parse(body);
        allow('iot:CreateRoleAlias', aliasArn);
        if (parsed.tags.length > 0) allow('iot:TagResource', aliasArn);
        allow('iam:PassRole', parsed.roleArn);
        if (aliases.has(alias)) throw new Fault(409, 'ResourceAlreadyExistsException', `${alias} exists`);
        aliases.set(alias, parsed);
        return { roleAlias: alias, roleAliasArn: aliasArn };
      },
    ],
    [
      'PUT /role-aliases/:alias',
      ([alias = ''], body) => {
        allow('iot:UpdateRoleAlias', arn('iot', `rolealias/${alias}`));
        const { tags = [] } = aliases.get(alias) ?? {};
        if (!aliases.has(alias)) throw absent(alias);
        aliases.set(alias, { ...aliasBody.parse(body), tags });
        return { roleAlias: alias, roleAliasArn: arn('iot', `rolealias/${alias}`) };
      },
    ],
    [
      'GET /role-aliases/:alias',
      ([alias = '']) => {
        const roleAliasArn = arn('iot', `rolealias/${alias}`);
        allow('iot:DescribeRoleAlias', roleAliasArn);
        const found = aliases.get(alias);
        if (found === undefined) throw absent(alias);
        const { roleArn, credentialDurationSeconds } = found;
        return { roleAliasDescription: { roleAlias: alias, roleAliasArn, roleArn, credentialDurationSeconds } };
      },
    ],
    [
      'DELETE /role-aliases/:alias',
      ([alias = '']) => {
        allow('iot:DeleteRoleAlias', arn('iot', `rolealias/${alias}`));
        if (!aliases.delete(alias)) throw absent(alias);
        return {};
      },
    ],
    [
      'GET /tags',
      (_parts, _body, query) => {
        const resource = query.get('resourceArn') ?? '';
        const alias = /:rolealias\/(.+)$/.exec(resource)?.[1];
        if (alias === undefined) return forward;
        allow('iot:ListTagsForResource', resource);
        return { tags: aliases.get(alias)?.tags ?? [] };
      },
    ],
  ];

  function deployment(id: string): DeploymentState {
    const found = deployments.find((one) => one.id === id);
    if (found === undefined) throw absent(id);
    return found;
  }

  function core(thing: string): ReportedCore {
    const found = cores.get(thing);
    if (found === undefined) throw absent(thing);
    return found;
  }

  const server = createServer((request, response) => void serve(request, response));
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const answer = answerOf([...greengrass, ...iot], request, body);
    if (answer !== forward) return void response.writeHead(answer.status, answer.headers).end(answer.body);
    if (forwardTo === undefined) return void response.writeHead(404).end();
    pass(forwardTo, request, body, response);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    left: () => [...versions.keys(), ...deployments.map(({ id }) => id), ...aliases.keys(), ...cores.keys()],
    report: (reported) => void cores.set(reported.thing, reported),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A request that is for the local account. */
const forward = Symbol('forward');
type Route = [string, (parts: string[], body: unknown, query: URLSearchParams) => unknown];
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

function answerOf(
  routes: readonly Route[],
  { method, url = '/' }: IncomingMessage,
  body: Buffer,
): Answer | typeof forward {
  const { pathname, searchParams } = new URL(url, 'http://127.0.0.1');
  for (const [route, answer] of routes) {
    const [, verb, path = ''] = /^(\w+) (.+)$/.exec(route) ?? [];
    const match = new RegExp(`^${path.replaceAll(/:\w+/g, '([^/]+)')}$`).exec(pathname);
    if (verb !== method || match === null) continue;
    try {
      const parsed: unknown = body.length === 0 ? undefined : JSON.parse(body.toString('utf8'));
      const said = answer(match.slice(1).map(decodeURIComponent), parsed, searchParams);
      if (said === forward) return forward;
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(said ?? {}) };
    } catch (error) {
      const fault = error instanceof Fault ? error : new Fault(400, 'ValidationException', String(error));
      const headers = { 'content-type': 'application/json', 'x-amzn-errortype': fault.type };
      return { status: fault.status, headers, body: JSON.stringify({ message: fault.message }) };
    }
  }
  return forward;
}

function pass(target: string, { method, url, headers }: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { hostname, port } = new URL(target);
  const out = httpsRequest({ hostname, port, method, path: url, headers, servername: 'localhost' }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  out.on('error', (error) => response.writeHead(502).end(error.message));
  out.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

function grants(
  { Effect, Action, Resource = [] }: PolicyDocument['Statement'][number],
  action: string,
  resource: string,
) {
  const matches = (pattern: string) =>
    new RegExp(
      `^${pattern
        .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    ).test(resource);
  return Effect === 'Allow' && [Action].flat().includes(action) && [Resource].flat().some((one) => matches(one));
}
