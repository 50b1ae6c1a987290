import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { allowWildcards } from '../shared/wildcards.ts';
import type { Stage } from '../stages.ts';
import { GoFunction } from './go-function.ts';
import { HelloApi } from './hello-api.ts';
import { SiteRebuild } from './site-rebuild.ts';
import { StaticSite } from './static-site.ts';
import { wildcardsIn } from './wildcards.ts';

const room = 'app-bundling';

export interface AppBundlingProps {
  stage: Stage;
  /** Repository of the site on GitHub, `owner/name`, which content-aggregator commits to: your fork of this project. */
  repository: string;
  branch?: string;
  /** Origins of pages that may call the API; any, as in the post. */
  allowOrigins?: readonly string[];
  /** Of all callers of the API together. */
  requestsPerSecond?: number;
}

/** Two applications that are built at synthesis: a function in Go behind an API, and a static site behind CloudFront. */
export class AppBundlingStack extends Stack {
  constructor(scope: Construct, props: AppBundlingProps) {
    super(scope, 'AppBundlingStack', { description: 'Built at synthesis: a Go function, and a static site' });
    const { stage, repository, branch = 'main' } = props;
    if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
      throw new Error(`The repository "${repository}" of the site is none: write owner/name.`);
    }
    const hello = new GoFunction(this, 'Hello', {
      ...{ stage, room, module: new URL('./hello/', import.meta.url), timeout: Duration.seconds(5) },
    });
    const { api } = new HelloApi(this, 'HelloApi', {
      ...{ stage, room, handler: hello },
      allowOrigins: props.allowOrigins ?? ['*'],
      requestsPerSecond: props.requestsPerSecond ?? 20,
    });
    const site = new StaticSite(this, 'Site', { stage });
    const rebuild = new SiteRebuild(this, 'Rebuild', { stage, room, site, repository, branch });

    const outputs: Record<string, string> = {
      ApiUrl: api.apiEndpoint,
      HelloName: hello.functionName,
      SiteUrl: `https://${site.distribution.distributionDomainName}`,
      SiteBucketName: site.bucket.bucketName,
      Repository: repository,
      ProjectName: rebuild.project.projectName,
      CommitsUrl: rebuild.commits.queueUrl,
      ParkingQueueUrl: rebuild.parking.queueUrl,
      StartRebuildName: rebuild.start.functionName,
      StartRebuildRoleName: rebuild.start.role?.roleName ?? '',
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
    allowWildcards(this, wildcardsIn(stage.name));
  }
}
