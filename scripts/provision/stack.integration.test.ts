import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { defaultBucket, defaultNames } from '../../cloud/greengrass/names.ts';
import { synthesiseRoom } from '../../cloud/testing/describe-room.ts';
import { inWords, type TemplateResource } from '../../cloud/testing/template.ts';
import { createClients, type Stacked } from './clients.ts';
import { perform } from './perform.ts';
import { plan } from './plan.ts';
import type { Found } from './state.ts';
import { desiredFor, snowUrl } from './test-installation.ts';

const place = { account: '123456789012', region: 'eu-west-1' };
const names = { ...defaultNames, bucket: defaultBucket(place) };
const secretArn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${names.secret}-AbCdEf`;
const nothing: Found = { certificates: [], objects: {}, componentVersions: [], deployments: [], coreDevice: false };

/** What `create` asks AWS for, in order. */
const asked: { command: string; input: Record<string, unknown> }[] = [];
let template: readonly TemplateResource[] = [];
let folder: string;
let aws: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'provision-stack-'));
  template = [...(await synthesiseRoom('greengrass', 'prod')).stacks.values()].flat();
  aws = await startAgreeableAws();
  const planned = plan(await desiredFor(folder, place, names), nothing);
  if (!planned.ok) throw new Error(planned.message);
  const clients = recordingClients();
  const context = {
    ...{ clients, names, place, known: {} },
    secretValue: async () => '{"username":"u","password":"p"}',
    pause: async () => {},
  };
  for (const step of planned.steps) await perform(step, context);
  clients.close();
}, 120_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  aws.closeAllConnections();
  aws.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An endpoint that agrees to everything, with what later steps need to know. */
async function startAgreeableAws(): Promise<Server> {
  const answer = ({ headers, url = '' }: IncomingMessage, body: string): string => {
    const action = /^Action=(\w+)/.exec(body)?.[1];
    if (action !== undefined) return `<${action}Response><${action}Result/></${action}Response>`;
    if (url.startsWith('/greengrass')) return JSON.stringify({ status: { componentState: 'DEPLOYABLE' } });
    if (headers['x-amz-target'] !== undefined) return JSON.stringify({ ARN: secretArn });
    if (url.startsWith(`/${names.bucket}`)) return '';
    return JSON.stringify({ certificateArn: 'arn:aws:iot:eu-west-1:123456789012:cert/1' });
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(answer(request, Buffer.concat(chunks).toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  return server;
}

function recordingClients() {
  const clients = createClients(place.region, process.env);
  const all: Stacked[] = [clients.iot, clients.greengrass, clients.iam, clients.secrets, clients.s3];
  for (const { middlewareStack } of all) {
    middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) => {
          const { input } = z.looseObject({ input: z.record(z.string(), z.unknown()) }).parse(args);
          asked.push({ command: commandName.replace(/Command$/, ''), input });
          return next(args);
        },
      { step: 'initialize', name: 'records', priority: 'high' },
    );
  }
  return clients;
}

/** Inputs of a command. */
const inputs = (command: string) => asked.filter((one) => one.command === command).map(({ input }) => input);
const parsed = (text: unknown): unknown => JSON.parse(z.string().parse(text));

/** Properties of a resource of the stack, as they are in this account once it is deployed. */
function properties(path: string): Record<string, unknown> {
  const found = template.find((one) => one.path === path);
  if (found === undefined) throw new Error(`The stack has no ${path}.`);
  return z.record(z.string(), z.unknown()).parse(deployed(found.Properties));
}

/** What the stack's references stand for, by their words. */
const meant: Record<string, string> = {
  [`\${AWS::AccountId}`]: place.account,
  [`\${AWS::Region}`]: place.region,
  [`\${AWS::Partition}`]: 'aws',
  [`\${SnowUrl}`]: snowUrl,
  Secret: secretArn,
  TokenExchangeRole: `arn:aws:iam::${place.account}:role/${names.role}`,
};
const joinOf = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const reference = z.union([z.strictObject({ Ref: z.string() }), z.strictObject({ 'Fn::GetAtt': z.unknown() })]);

function deployed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(deployed);
  if (typeof value !== 'object' || value === null) return value;
  const joined = joinOf.safeParse(value);
  if (joined.success) {
    const [separator, parts] = joined.data['Fn::Join'];
    return parts.map(deployed).join(separator);
  }
  if (reference.safeParse(value).success) return meant[inWords(value, template)] ?? inWords(value, template);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, deployed(one)]));
}

describe('what create asks for and what the stack has are the same', () => {
  test('policy of a core', () => {
    const [{ policyName, policyDocument } = {}] = inputs('CreatePolicy');
    const { PolicyName, PolicyDocument } = properties('CorePolicy');
    expect([PolicyName, PolicyDocument]).toEqual([policyName, parsed(policyDocument)]);
  });

  test('token exchange role and its alias', () => {
    const [{ RoleName, AssumeRolePolicyDocument } = {}] = inputs('CreateRole');
    const [{ PolicyName, PolicyDocument } = {}] = inputs('PutRolePolicy');
    expect(properties('TokenExchangeRole')).toMatchObject({
      RoleName,
      AssumeRolePolicyDocument: parsed(AssumeRolePolicyDocument),
      Policies: [{ PolicyName, PolicyDocument: parsed(PolicyDocument) }],
    });
    const [{ roleAlias, roleArn, credentialDurationSeconds } = {}] = inputs('CreateRoleAlias');
    expect(properties('RoleAlias')).toMatchObject({
      ...{ RoleAlias: roleAlias, RoleArn: roleArn, CredentialDurationSeconds: credentialDurationSeconds },
    });
  });

  test('thing group, and how a certificate is bound to its thing', () => {
    const [{ thingGroupName } = {}] = inputs('CreateThingGroup');
    expect(properties('ThingGroup')).toMatchObject({ ThingGroupName: thingGroupName });
    const [{ thingPrincipalType } = {}] = inputs('AttachThingPrincipal');
    expect(parsed(properties('Fleet/Template')['TemplateBody'])).toMatchObject({
      Resources: { certificate: { Properties: { ThingPrincipalType: thingPrincipalType } } },
    });
  });

  test('secret, but for its value, which is in no template', () => {
    const [{ Name, SecretString } = {}] = inputs('CreateSecret');
    expect(SecretString).toContain('password');
    expect(properties('Secret')).toMatchObject({ Name });
    expect(Object.keys(properties('Secret'))).not.toContain('SecretString');
    expect(Object.keys(properties('Secret'))).not.toContain('GenerateSecretString');
  });

  test('bucket', () => {
    const [{ Bucket, PublicAccessBlockConfiguration } = {}] = inputs('PutPublicAccessBlock');
    expect(properties('Artifacts')).toMatchObject({ BucketName: Bucket, PublicAccessBlockConfiguration });
    const [{ Policy } = {}] = inputs('PutBucketPolicy');
    expect(properties('ArtifactsPolicy')['PolicyDocument']).toEqual(parsed(Policy));
  });

  test('component versions, and where their zips lie', () => {
    const recipes = inputs('CreateComponentVersion').map(({ inlineRecipe }) =>
      parsed(Buffer.from(z.instanceof(Uint8Array).parse(inlineRecipe)).toString()),
    );
    const inStack = ['Components/SensorMonitor', 'Components/AnomalyHandler'].map((path) =>
      parsed(properties(path)['InlineRecipe']),
    );
    expect(inStack).toEqual(recipes);
    const keys = inputs('PutObject').map(({ Bucket, Key }) => `s3://${Bucket}/${Key}`);
    expect(keys).toHaveLength(4);
    for (const key of keys) expect(JSON.stringify(inStack)).toContain(`"${key}"`);
  });

  test('deployment: target, components, options', () => {
    const [{ targetArn, deploymentName, components, deploymentPolicies } = {}] = inputs('CreateDeployment');
    const deployment = properties('Components/Deployment');
    expect(deployment).toMatchObject({ TargetArn: targetArn, DeploymentName: deploymentName });
    expect(sameKeys(deployment['Components'])).toEqual(sameKeys(components));
    expect(sameKeys(deployment['DeploymentPolicies'])).toEqual(sameKeys(deploymentPolicies));
  });
});

/** CloudFormation begins the names of properties with a capital; a merge is compared by what it says. */
function sameKeys(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('{')) return parsed(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.charAt(0).toLowerCase() + key.slice(1), sameKeys(one)]),
  );
}
