import { createHash } from 'node:crypto';
import { clashes } from './checks.ts';
import { environmentParts } from './environment.ts';
import {
  type Given,
  type GivenPart,
  type Layer,
  layers,
  layOver,
  nearestSource,
  originOf,
  type Source,
  valuesOf,
} from './merge.ts';
import { contradictions, type Part, resolveOtherNames } from './other-names.ts';
import { type Path, readPath } from './path.ts';
import { configurationError, type Problem } from './problems.ts';
import { type Config, configSchema } from './schema.ts';
import { setOptionPart } from './set-option.ts';
import { isTree, plainTree, type Tree, without } from './tree.ts';
import { schemaProblems } from './validate.ts';

export type { Layer } from './merge.ts';

/** What may be laid over the defaults; each wins over those before it. Groups merge, lists replace, null says nothing. */
export interface ConfigLayers {
  /** Name of the Greengrass core device: the default of `deviceId`. */
  thingName?: string | undefined;
  /** A scenario's configuration. */
  overlay?: unknown;
  /** A YAML or JSON file. */
  file?: string;
  /** Environment; its variables `GREENGRASS_ITSM__…` count, see `environmentName`. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Component configuration of a Greengrass deployment. */
  deployment?: unknown;
  /** `PATH=VALUE`, in the order given: a later one wins over an earlier one. */
  set?: readonly string[];
}

export interface LoadedConfig {
  config: Config;
  /** 12 hex digits that are the same for the same effective configuration, whichever layers gave it. */
  version: string;
  /** The layer that the value at a path (`thresholds.temperature.upper`) came from; for a group, the last that gave any of it. */
  origin(path: string): Layer;
}

/**
 * The effective configuration.
 * @throws AppError `bad-configuration`, which tells every problem of every layer: the field, who gave it, what was found,
 * what is expected. A wrong value is a problem also where a higher layer would hide it.
 */
export async function loadConfig(given: ConfigLayers = {}): Promise<LoadedConfig> {
  const problems: Problem[] = [];
  const parts = (await partsOf(given)).flatMap((part) => {
    if (!('flaw' in part)) return resolve(part, problems);
    problems.push({ path: [], source: part.source, message: part.flaw });
    return [];
  });
  for (const part of parts) {
    problems.push(...schemaProblems(part.tree, () => part.source, { missing: 'may be' }));
  }
  for (const layer of layers) {
    problems.push(...contradictions(parts.filter(({ source }) => source.layer === layer)));
  }
  if (problems.length > 0) throw configurationError(problems);

  const merged = parts.reduce<Given>((under, part) => layOver(under, part.tree, part.source), defaults());
  const values = valuesOf(merged);
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    const tree: Tree = isTree(values) ? values : {};
    throw configurationError(schemaProblems(tree, (path) => nearestSource(merged, path), { missing: 'is a problem' }));
  }
  const config = parsed.data;
  const clashing = clashes(config);
  if (clashing.length > 0) {
    throw configurationError(clashing.map(({ paths, message }) => ({ ...blamed(merged, paths), message })));
  }
  return { config, version: versionOf(config), origin: (path) => originOf(merged, readPath(path).path) };
}

/** What each layer says, lowest first. */
async function partsOf({ thingName, overlay, file, env, deployment, set }: ConfigLayers): Promise<GivenPart[]> {
  const parts: GivenPart[] = [
    { source: { layer: 'default', label: 'name of the thing' }, value: { deviceId: thingName } },
    { source: { layer: 'scenario', label: 'scenario' }, value: overlay },
  ];
  if (file !== undefined) {
    const { readConfigFile } = await import('./config-file.ts');
    const source: Source = { layer: 'file', label: `file ${file}` };
    const content = await readConfigFile(file);
    parts.push(content.ok ? { source, value: content.value } : { source, flaw: content.flaw });
  }
  parts.push(...environmentParts(env ?? {}));
  parts.push({ source: { layer: 'deployment', label: 'deployment' }, value: deployment });
  parts.push(...(set ?? []).map(setOptionPart));
  return parts;
}

/** The part as plain values under the schema's names. `accessControl` is the nucleus's, and stands in every recipe. */
function resolve(part: GivenPart & { value: unknown }, problems: Problem[]): Part[] {
  const { source, path = [] } = part;
  const nested = path.reduceRight<unknown>((value, name) => ({ [name]: value }), part.value);
  const { tree, flaws } = plainTree(nested);
  const resolved = resolveOtherNames(source, without(tree, ['accessControl']));
  problems.push(...[...flaws, ...resolved.flaws].map((flaw) => ({ ...flaw, source })));
  return resolved.parts;
}

/**
 * The schema's defaults as the lowest layer, so that maps merge with theirs. Not the columns of a recording: a file
 * that names its columns does not have the default ones as well.
 */
function defaults(): Given {
  const { tree } = plainTree(configSchema.parse({}));
  const source: Source = { layer: 'default', label: 'default' };
  return layOver(undefined, without(tree, ['sensor', 'replay', 'columns']), source);
}

/** The first of the clashing fields that a layer gave: the defaults agree with each other. */
function blamed(merged: Given, paths: readonly Path[]): { path: Path; source: Source | undefined } {
  const path = paths[0] ?? [];
  const source = paths.map((one) => nearestSource(merged, one)).find(({ layer }) => layer !== 'default');
  return { path, source };
}

function versionOf(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config, sorted)).digest('hex').slice(0, 12);
}

/** Groups with their names in order, so that equal configurations have one text. */
function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
