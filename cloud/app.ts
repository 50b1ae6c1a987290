import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { App, Aspects, type Stack, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { z } from 'zod';
import { rooms as allRooms, type Room } from './rooms.ts';
import { LackingTypes } from './shared/lacking-types.ts';
import { type StageName, stageOf } from './stages.ts';

const recommendedFlags = z
  .record(z.string(), z.unknown())
  .parse(
    JSON.parse(
      readFileSync(createRequire(import.meta.url).resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8'),
    ),
  );

export interface AppOptions {
  stage: StageName;
  /** Rooms to build; all where absent. */
  rooms?: readonly Room[];
  /** Where the cloud assembly goes; a temporary folder where absent. */
  outdir?: string;
  /** The templates and what checks them, without the code of functions: for who deploys nothing. */
  templatesOnly?: boolean;
}

export interface BuiltApp {
  app: App;
  /** The stacks of each room, by its name. */
  stacks: ReadonlyMap<string, readonly Stack[]>;
}

/**
 * The rooms of one stage as a CDK app, not synthesised. Two checks make `synth` throw: the AwsSolutions rules, and the
 * CDK's own validation of templates against the schemas of CloudFormation (in the recommended flags).
 */
export async function createApp({
  stage: name,
  rooms = allRooms,
  outdir,
  templatesOnly = false,
}: AppOptions): Promise<BuiltApp> {
  const stage = stageOf(name);
  const app = new App({
    ...(outdir === undefined ? {} : { outdir }),
    analyticsReporting: false,
    context: {
      ...recommendedFlags,
      // Says in the template which construct a resource is, as the CDK's command line does by default; tests read it.
      'aws:cdk:enable-path-metadata': true,
      // A weak reference reads the other stack at run time; rooms are coupled by names and by nothing else.
      '@aws-cdk/core:defaultCrossStackReferences': 'strong',
      // No stack's functions are bundled, and no asset is copied.
      ...(templatesOnly ? { 'aws:cdk:bundling-stacks': [], 'aws:cdk:disable-asset-staging': true } : {}),
    },
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  Tags.of(app).add('project', 'greengrass-itsm');
  Tags.of(app).add('stage', name);
  const stacks = new Map<string, readonly Stack[]>();
  for (const room of rooms) {
    const created = await room.create(app, stage);
    stacks.set(room.name, Array.isArray(created) ? created : [created]);
  }
  if (name === 'local') Aspects.of(app).add(new LackingTypes());
  return { app, stacks };
}
