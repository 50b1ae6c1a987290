import { z } from 'zod';

/**
 * The part of the recipe format that these recipes use, strict, so that a key of the wrong casing (which the classic
 * nucleus would forgive and Nucleus Lite would not find) is refused.
 * Source: AWS IoT Greengrass V2 developer guide, "Component recipe reference"; for the casing, what Nucleus Lite looks up.
 */

const step = z.strictObject({
  Script: z.string().min(1),
  /** Never: the component runs as the nucleus's own unprivileged user. */
  RequiresPrivilege: z.literal(false),
  Timeout: z.int().positive().optional(),
});

const lifecycle = z.strictObject({
  Setenv: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional(),
  install: step,
  run: step.optional(),
});

const artifact = z.strictObject({
  Uri: z.string().regex(/^s3:\/\/BUCKET_NAME\/COMPONENT_NAME\/COMPONENT_VERSION\/[a-z0-9-]+\.zip$/),
  Unarchive: z.literal('ZIP'),
  Permission: z.strictObject({ Read: z.literal('OWNER'), Execute: z.literal('NONE') }),
});

const manifest = z.strictObject({
  Name: z.string().min(1),
  Platform: z.strictObject({
    os: z.literal('linux'),
    architecture: z.enum(['aarch64', 'amd64', 'arm']),
    /** Absent: the classic nucleus alone. */
    runtime: z.enum(['*', 'aws_nucleus_lite']).optional(),
  }),
  Lifecycle: lifecycle,
  Artifacts: z.array(artifact).length(1).optional(),
});

const policy = z.strictObject({
  policyDescription: z.string().min(1),
  operations: z.array(z.string().regex(/^aws\.greengrass#\w+$/)).min(1),
  resources: z.array(z.string().min(1)).min(1),
});

/** By service, then by an id that is unique on the core device. */
export const accessControl = z.record(z.string(), z.record(z.string(), policy));

export const recipeFormat = z.strictObject({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/),
  ComponentVersion: z.string().regex(/^\d+\.\d+\.\d+(-[A-Za-z0-9.-]+)?$/),
  ComponentDescription: z.string().min(1).max(256),
  ComponentPublisher: z.string().min(1),
  ComponentConfiguration: z.strictObject({
    DefaultConfiguration: z.looseObject({ accessControl }),
  }),
  ComponentDependencies: z
    .record(
      z.string(),
      z.strictObject({ VersionRequirement: z.string().min(1), DependencyType: z.enum(['SOFT', 'HARD']) }),
    )
    .optional(),
  Manifests: z.array(manifest).min(1),
});

export type Recipe = z.infer<typeof recipeFormat>;
export type Manifest = Recipe['Manifests'][number];
