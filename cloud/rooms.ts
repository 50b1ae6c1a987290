import type { App, Stack } from 'aws-cdk-lib';
import type { Stage } from './stages.ts';

/** One pipeline: a folder of cloud/ with its stacks. */
export interface Room {
  /** Its folder. */
  name: string;
  /** Adds its stacks to the app. The import is dynamic, so that one room is built and tested without the others. */
  create(app: App, stage: Stage): Promise<Stack | readonly Stack[]>;
  /**
   * What it costs a month without any traffic, in US dollars at list price (us-east-1): what is billed by the hour or by
   * the month, but for its alarms, which are counted in its templates. The room's README says how it adds up. A run on AWS
   * leaves out a room that costs something here unless it is asked for: alarms alone, at cents an hour, keep none out.
   */
  fixedMonthlyUsd: number;
}

/**
 * Repository on GitHub, `owner/name`, that content-aggregator commits to and app-bundling builds the site of: `SITE_REPOSITORY`, your
 * fork of this project. Not set it is nobody's (no owner on GitHub begins with a hyphen): both rooms fail with this name in their error,
 * and neither reads or builds what a stranger wrote. The local account has a GitHub of its own, with the repository of the post.
 */
export function siteRepository(stage: Pick<Stage, 'name'>, env: NodeJS.ProcessEnv = process.env): string {
  const given = env['SITE_REPOSITORY'];
  if (given !== undefined && given !== '') return given;
  return stage.name === 'local' ? 'aws-samples/content-aggregator-example' : '-/SITE_REPOSITORY-is-not-set';
}

/** Every room, one line each, in order of deployment. */
// biome-ignore format: one line a room
export const rooms: readonly Room[] = [
  { name: 'stream-ingestion', create: async (app, stage) => new (await import('./stream-ingestion/stack.ts')).StreamIngestionStack(app, { stage }), fixedMonthlyUsd: 11 },
  { name: 'job-events', create: async (app, stage) => new (await import('./job-events/stack.ts')).JobEventsStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'incident-events', create: async (app, stage) => new (await import('./incident-events/stack.ts')).IncidentEventsStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'greengrass', create: async (app, stage) => new (await import('./greengrass/stack.ts')).GreengrassStack(app, { stage }), fixedMonthlyUsd: 0.4 },
  { name: 'sensor-data-lake', create: async (app, stage) => new (await import('./sensor-data-lake/stack.ts')).SensorDataLakeStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'crud-microservice', create: async (app, stage) => new (await import('./crud-microservice/stack.ts')).CrudMicroserviceStack(app, { stage, callerAccounts: stage.name === 'local' ? ['111122223333'] : [] }), fixedMonthlyUsd: 0 },
  { name: 'spice-refresh', create: async (app, stage) => new (await import('./spice-refresh/stack.ts')).SpiceRefreshStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'api-facade', create: async (app, stage) => new (await import('./api-facade/stack.ts')).ApiFacadeStack(app, { stage, signUpDomains: stage.name === 'local' ? ['example.com'] : [] }), fixedMonthlyUsd: 8.4 },
  { name: 'student-data-lake', create: async (app, stage) => (await import('./student-data-lake/stacks.ts')).createStacks(app, stage), fixedMonthlyUsd: 0.4 },
  { name: 'account-factory', create: async (app, stage) => new (await import('./account-factory/stack.ts')).AccountFactoryStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'cost-optimization', create: async (app, stage) => new (await import('./cost-optimization/stack.ts')).CostOptimizationStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'fake-bot-blocker', create: async (app, stage) => new (await import('./fake-bot-blocker/stack.ts')).FakeBotBlockerStack(app, { stage, scope: 'REGIONAL', dnsServers: stage.name === 'local' ? ['127.0.0.1:5300'] : [] }), fixedMonthlyUsd: 7 },
  { name: 'content-aggregator', create: async (app, stage) => new (await import('./content-aggregator/stack.ts')).ContentAggregatorStack(app, { stage, gitHubRepo: `https://github.com/${siteRepository(stage)}` }), fixedMonthlyUsd: 0 },
  { name: 'storage-options', create: async (app, stage) => new (await import('./storage-options/stack.ts')).StorageOptionsStack(app, { stage }), fixedMonthlyUsd: 0 },
  { name: 'app-bundling', create: async (app, stage) => new (await import('./app-bundling/stack.ts')).AppBundlingStack(app, { stage, repository: siteRepository(stage) }), fixedMonthlyUsd: 0 },
  { name: 'data-out', create: async (app, stage) => new (await import('./data-out/stack.ts')).DataOutStack(app, { stage, ...(stage.name === 'local' ? { sliceBytes: 4_096 } : {}) }), fixedMonthlyUsd: 0 },
  { name: 'mq-consumer', create: async (app, stage) => new (await import('./mq-consumer/stack.ts')).MqConsumerStack(app, { stage }), fixedMonthlyUsd: 64.7 },
  { name: 'lambda-privatelink', create: async (app, stage) => new (await import('./lambda-privatelink/stack.ts')).LambdaPrivateLinkStack(app, { stage }), fixedMonthlyUsd: 14.6 },
  { name: 'lambda-extensions', create: async (app, stage) => new (await import('./lambda-extensions/stack.ts')).LambdaExtensionsStack(app, { stage }), fixedMonthlyUsd: 0 },
];
