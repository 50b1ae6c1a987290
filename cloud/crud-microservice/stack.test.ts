import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { stageOf } from '../stages.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { pollerSettings, pollShard } from '../testing/stream-poller.ts';
import { inWords, resourcesOf, type TemplateResource } from '../testing/template.ts';
import { announceBatch } from './announce.ts';
import { rights } from './rights.ts';
import { type CrudMicroserviceProps, CrudMicroserviceStack } from './stack.ts';
import { nowMs, registered } from './test-devices.ts';
import { wildcards } from './wildcards.ts';

const room = 'crud-microservice';
describeRoom(room, { rights, wildcards });

const routeSchema = z.object({
  RouteKey: z.string(),
  AuthorizationType: z.string(),
  Target: z.unknown(),
  AuthorizerId: z.unknown().optional(),
});
const permissionSchema = z.object({ FunctionName: z.unknown(), Principal: z.string(), SourceArn: z.unknown() });

describe(room, () => {
  let built: SynthesisedRoom;

  beforeAll(async () => {
    built = await synthesiseRoom(room, 'prod');
  }, 120_000);

  const ofType = (type: string, resources: readonly TemplateResource[] = [...built.stacks.values()].flat()) =>
    resources.filter(({ Type }) => Type === type);

  /** The stack with other options, without its bundles; it throws where cdk-nag finds something. */
  function resourcesWith(props: Omit<CrudMicroserviceProps, 'stage'>): readonly TemplateResource[] {
    const outdir = mkdtempSync(join(tmpdir(), 'greengrass-itsm-crud-'));
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    const context = { 'aws:cdk:enable-path-metadata': true, 'aws:cdk:bundling-stacks': [] };
    const app = new App({ outdir, analyticsReporting: false, context });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const stack = new CrudMicroserviceStack(app, { stage: stageOf('dev'), ...props });
    return resourcesOf(app.synth().getStackArtifact(stack.artifactId).template);
  }

  const routesOf = (resources?: readonly TemplateResource[]) =>
    ofType('AWS::ApiGatewayV2::Route', resources).map(({ Properties }) => routeSchema.parse(Properties));
  const keysOf = (resources?: readonly TemplateResource[]) => routesOf(resources).map(({ RouteKey }) => RouteKey);

  test('synth: the five routes want a signature, all of them', () => {
    expect(routesOf().map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType])).toEqual([
      ['GET /devices', 'AWS_IAM'],
      ['GET /devices/{id}', 'AWS_IAM'],
      ['POST /devices', 'AWS_IAM'],
      ['PATCH /devices/{id}', 'AWS_IAM'],
      ['DELETE /devices/{id}', 'AWS_IAM'],
    ]);
  });

  test('synth: the resource policy of each function names its one route', () => {
    const resources = [...built.stacks.values()].flat();
    const policies = ofType('AWS::Lambda::Permission').map(({ Properties }) => {
      const { FunctionName, Principal, SourceArn } = permissionSchema.parse(Properties);
      return [inWords(FunctionName, resources), Principal, inWords(SourceArn, resources).replace(/^.*:/, '')];
    });
    expect(policies).toEqual([
      ['Crud/List', 'apigateway.amazonaws.com', 'Crud/Api/*/GET/devices'],
      ['Crud/Read', 'apigateway.amazonaws.com', 'Crud/Api/*/GET/devices/{id}'],
      ['Crud/Create', 'apigateway.amazonaws.com', 'Crud/Api/*/POST/devices'],
      ['Crud/Change', 'apigateway.amazonaws.com', 'Crud/Api/*/PATCH/devices/{id}'],
      ['Crud/Remove', 'apigateway.amazonaws.com', 'Crud/Api/*/DELETE/devices/{id}'],
    ]);
  });

  test('synth: with the path / the routes are those of the post, and a page may call where it is named', () => {
    const resources = resourcesWith({ path: '/', allowOrigins: ['https://devices.example.com'] });
    expect(keysOf(resources)).toEqual(['GET /', 'GET /{id}', 'POST /', 'PATCH /{id}', 'DELETE /{id}']);
    expect(ofType('AWS::ApiGatewayV2::Api', resources)[0]?.Properties['CorsConfiguration']).toMatchObject({
      AllowOrigins: ['https://devices.example.com'],
    });
    expect(ofType('AWS::ApiGatewayV2::Api')[0]?.Properties['CorsConfiguration']).toBeUndefined();
  });

  test('synth: with an issuer every route wants its token, and nobody gets a role', () => {
    const authorizer = { issuer: 'https://login.example.com', audience: ['devices'] };
    const resources = resourcesWith({ authorizer });
    expect(routesOf(resources).map(({ AuthorizationType }) => AuthorizationType)).toEqual(Array(5).fill('JWT'));
    expect(ofType('AWS::ApiGatewayV2::Authorizer', resources).map(({ Properties }) => Properties)).toMatchObject([
      { AuthorizerType: 'JWT', JwtConfiguration: { Issuer: authorizer.issuer, Audience: authorizer.audience } },
    ]);
    expect(ofType('AWS::IAM::Role', resources).map(({ path }) => path)).not.toContain('Writer');
  });

  test('synth: tombstones of removed devices go by themselves', () => {
    expect(ofType('AWS::DynamoDB::GlobalTable')[0]?.Properties['TimeToLiveSpecification']).toEqual({
      ...{ AttributeName: 'expiresAt', Enabled: true },
    });
  });

  test('synth: the roles of callers trust the own account, and others where they are named', () => {
    const trusted = (resources?: readonly TemplateResource[]) =>
      ofType('AWS::IAM::Role', resources)
        .filter(({ path }) => path === 'Reader' || path === 'Writer')
        .map(({ Properties }) => JSON.stringify(Properties['AssumeRolePolicyDocument']));
    expect(trusted()).toHaveLength(2);
    for (const document of trusted()) expect(document).not.toMatch(/\d{12}|"\*"/);
    for (const document of trusted(resourcesWith({ callerAccounts: ['111122223333'] }))) {
      expect(document).toContain(':iam::111122223333:root');
      expect(document).toContain('"Action":"sts:AssumeRole"');
    }
  });

  test('synth: calls are bounded, and logged without bodies', () => {
    expect(ofType('AWS::ApiGatewayV2::Stage')[0]?.Properties).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      AccessLogSettings: { Format: expect.stringContaining('$context.requestId') },
    });
  });

  test('synth: a bus that takes nothing is asked for twelve hours, and then the changes lie in the dead letters (partial failure)', async () => {
    const [source] = ofType('AWS::Lambda::EventSourceMapping');
    if (source === undefined) throw new Error('no event source');
    expect(source.Properties).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [expect.stringMatching('^DeadLetters'), 'Arn'] } },
      },
      StartingPosition: 'TRIM_HORIZON',
    });
    const settings = pollerSettings(source);
    const minuteMs = 60_000;

    /** A shard of twelve changes under a bus that is away for some minutes, and what is told in the end. */
    async function pollWhileAway(minutes: number) {
      let clockMs = nowMs;
      const told: string[] = [];
      const run = await pollShard(
        Array.from({ length: 12 }, (_, place) => registered(place)),
        settings,
        {
          nowMs: () => clockMs,
          invoke: (batch) => {
            clockMs += minuteMs;
            return announceBatch(batch, {
              parking: { park: async () => undefined },
              bus: {
                async tell(announcements) {
                  if (clockMs < nowMs + minutes * minuteMs) return { refused: [], left: announcements[0] };
                  told.push(...announcements.map(({ detail }) => detail.eventId));
                  return { refused: [], left: undefined };
                },
              },
            });
          },
        },
      );
      return { told, letGo: run.letGo.length };
    }
    const all = Array.from({ length: 12 }, (_, place) => `event-${place}`);
    expect(await pollWhileAway(11 * 60)).toEqual({ told: all, letGo: 0 });
    expect(await pollWhileAway(13 * 60)).toEqual({ told: [], letGo: 12 });
  });
});
