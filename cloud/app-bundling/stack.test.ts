import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { siteRepository } from '../rooms.ts';
import { describeRoom, type SynthesisedRoom, synthesiseRoom } from '../testing/describe-room.ts';
import { rights } from './rights.ts';
import { buildCommands } from './site-rebuild.ts';
import { wildcards } from './wildcards.ts';

const room = 'app-bundling';
describeRoom(room, { rights, wildcards });

const manifestSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ packaging: z.enum(['zip', 'file']) }),
      destinations: z.record(z.string(), z.object({ bucketName: z.string(), objectKey: z.string() })),
    }),
  ),
});
const codeSchema = z.object({
  Runtime: z.string(),
  Architectures: z.array(z.string()),
  Code: z.object({ S3Key: z.string() }),
});

describe(room, () => {
  let prod: SynthesisedRoom;
  let local: SynthesisedRoom;
  const ofType = (stage: SynthesisedRoom, type: string) =>
    [...stage.stacks.values()].flat().filter(({ Type }) => Type === type);

  beforeAll(async () => {
    prod = await synthesiseRoom(room, 'prod');
    local = await synthesiseRoom(room, 'local');
  }, 120_000);

  const goFunction = (stage: SynthesisedRoom) =>
    ofType(stage, 'AWS::Lambda::Function')
      .map(({ Properties }) => codeSchema.parse(Properties))
      .find(({ Runtime }) => Runtime === 'provided.al2023');
  const keys = (stage: SynthesisedRoom) =>
    [...stage.assets.values()].flatMap((manifest) =>
      Object.values(manifestSchema.parse(manifest).files).flatMap(({ source, destinations }) =>
        Object.values(destinations).map((destination) => ({ ...source, ...destination })),
      ),
    );

  test('synth: the Go function is a bootstrap on the bare runtime, for arm64, and locally for this machine', () => {
    expect(goFunction(prod)?.Architectures).toEqual(['arm64']);
    expect(goFunction(local)?.Architectures).toEqual([process.arch === 'arm64' ? 'arm64' : 'x86_64']);
  });

  test('synth: the assembly uploads what the template asks for: a zip by a digest', () => {
    const S3Key = goFunction(prod)?.Code.S3Key ?? '';
    expect(S3Key).toMatch(/^[0-9a-f]{64}\.zip$/);
    const uploaded = keys(prod).find(({ objectKey }) => objectKey === S3Key);
    expect(uploaded).toMatchObject({ packaging: 'zip', objectKey: S3Key });
    expect(uploaded?.bucketName).toMatch(/^cdk-hnb659fds-assets-/);
  });

  test('synth: the site is an asset that a deployment publishes, all of it and nothing else', () => {
    const [deployment] = ofType(prod, 'Custom::CDKBucketDeployment');
    const published = z
      .object({ SourceObjectKeys: z.tuple([z.string()]), Prune: z.boolean(), DistributionId: z.unknown() })
      .parse(deployment?.Properties);
    expect(keys(prod).map(({ objectKey }) => objectKey)).toContain(published.SourceObjectKeys[0]);
    expect(published.Prune).toBe(true);
    expect(published.DistributionId).toBeDefined();
    expect(ofType(local, 'Custom::CDKBucketDeployment')).toEqual([]);
  });

  test('synth: nobody reads the bucket but CloudFront, by origin access control, and pages run no script', () => {
    const policies = JSON.stringify(ofType(prod, 'AWS::S3::BucketPolicy'));
    expect(policies).toContain('cloudfront.amazonaws.com');
    expect(policies).toContain('AWS:SourceArn');
    expect(ofType(prod, 'AWS::CloudFront::OriginAccessControl')).toHaveLength(1);
    const [{ Properties } = { Properties: {} }] = ofType(prod, 'AWS::CloudFront::ResponseHeadersPolicy');
    expect(JSON.stringify(Properties)).toContain("default-src 'none'; style-src 'self'; img-src 'self'");
    const [distribution] = ofType(prod, 'AWS::CloudFront::Distribution');
    expect(JSON.stringify(distribution?.Properties)).toContain('"ViewerProtocolPolicy":"redirect-to-https"');
  });

  test('synth: one build at a time, of the branch, with the commands that the room names', () => {
    const [project] = ofType(prod, 'AWS::CodeBuild::Project');
    expect(project?.Properties).toMatchObject({ ConcurrentBuildLimit: 1, SourceVersion: 'main' });
    const { Source } = z.object({ Source: z.object({ BuildSpec: z.string() }) }).parse(project?.Properties);
    for (const command of buildCommands) expect(Source.BuildSpec).toContain(command.split(' "')[0]);
  });

  test('synth: without a repository of their own nobody builds or reads what a stranger wrote', async () => {
    expect(siteRepository({ name: 'prod' }, { SITE_REPOSITORY: 'plant/site' })).toBe('plant/site');
    const nobodys = siteRepository({ name: 'prod' }, { SITE_REPOSITORY: '' });
    // GitHub: letters, digits and hyphens, and none at the beginning.
    expect(nobodys).toMatch(/^-\/SITE_REPOSITORY-is-not-set$/);
    if (process.env['SITE_REPOSITORY'] !== undefined) return;
    const [project] = ofType(prod, 'AWS::CodeBuild::Project');
    expect(project?.Properties).toMatchObject({ Source: { Location: `https://github.com/${nobodys}.git` } });
    const aggregator = [...(await synthesiseRoom('content-aggregator', 'prod')).stacks.values()].flat();
    expect(JSON.stringify(aggregator)).toContain(`"GITHUB_REPO":"${nobodys}"`);
  }, 60_000);

  test('synth: events that the queue does not get lie in dead letters of their own', () => {
    const [rule] = ofType(prod, 'AWS::Events::Rule');
    expect(rule?.Properties).toMatchObject({
      EventPattern: { source: ['greengrass-itsm.content'], 'detail-type': ['ContentCommitted'] },
      Targets: [{ DeadLetterConfig: {}, RetryPolicy: { MaximumRetryAttempts: 185 } }],
    });
  });
});
