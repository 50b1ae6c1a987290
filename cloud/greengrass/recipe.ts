import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type Recipe, recipeFormat } from './recipe-format.ts';

const root = join(import.meta.dirname, '../..');

/** The components by their names in Greengrass; `program` is that of the entry point, the zip and the start command. */
export const components = [
  { name: 'com.iotblog.SensorMonitor', program: 'sensor-monitor' },
  { name: 'com.iotblog.AnomalyHandler', program: 'anomaly-handler' },
] as const;

export type ComponentName = (typeof components)[number]['name'];

/** Where provisioning has put what recipes point to. Values or CDK tokens. */
export interface RecipePlaces {
  bucket: string;
  /** Folders of the bucket above the artifacts, without a slash at either end; empty for none. */
  prefix: string;
  /** ARN of the ServiceNow credentials, the one secret that the handler may read. */
  secretArn: string;
}

/** A zip that `npm run package` builds, and where the recipe expects it. */
export interface RecipeArtifact {
  /** Path under `dist/`: `artifacts/com.iotblog.SensorMonitor/0.1.0/sensor-monitor-arm64.zip`. */
  file: string;
  /** Key in the bucket. */
  key: string;
}

export interface PlacedRecipe {
  name: ComponentName;
  version: string;
  /** As CreateComponentVersion and `AWS::GreengrassV2::ComponentVersion` take it (JSON). */
  inlineRecipe: string;
  artifacts: RecipeArtifact[];
}

/** The release in package.json, which is the version of every component. */
export function componentVersion(): string {
  const text: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(text).version;
}

/**
 * The recipe of a component as it stands in `recipes/`, with its placeholders (`BUCKET_NAME`, `COMPONENT_NAME`,
 * `COMPONENT_VERSION`, `SECRET_ARN`).
 * @throws ZodError or the parser's error for a file that is no recipe, which a test rules out
 */
export function readRecipe(name: ComponentName): Recipe {
  const file = join(root, 'recipes', `${name}-${componentVersion()}.yaml`);
  return recipeFormat.parse(parse(readFileSync(file, 'utf8')));
}

/**
 * The recipe of a component for one account: artifacts in `bucket` under `prefix`, access to one secret. It depends on
 * nothing but the files `recipes/<component>-<version>.yaml` and package.json, and says which zips to upload where.
 */
export function recipe(name: ComponentName, { bucket, prefix, secretArn }: RecipePlaces): PlacedRecipe {
  const unplaced = readRecipe(name);
  const version = unplaced.ComponentVersion;
  const folder = [...(prefix === '' ? [] : [prefix]), name, version].join('/');
  const files = unplaced.Manifests.flatMap(({ Artifacts = [] }) => Artifacts.map(({ Uri }) => fileOf(Uri)));
  const placed = mapTexts(unplaced, (text) => {
    if (text.startsWith('s3://BUCKET_NAME/')) return `s3://${bucket}/${folder}/${fileOf(text)}`;
    return text === 'SECRET_ARN' ? secretArn : text;
  });
  return {
    name,
    version,
    inlineRecipe: JSON.stringify(placed),
    artifacts: files.map((file) => ({ file: `artifacts/${name}/${version}/${file}`, key: `${folder}/${file}` })),
  };
}

function fileOf(uri: string): string {
  return uri.slice(uri.lastIndexOf('/') + 1);
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]));
}
