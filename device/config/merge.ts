import type { Path } from './path.ts';
import { isTree, type Tree, type Value } from './tree.ts';

export const layers = ['default', 'scenario', 'file', 'environment', 'deployment', '--set'] as const;

/** Where a value came from; each layer wins over those before it. */
export type Layer = (typeof layers)[number];

/** One giver within a layer, as a sentence names it: `environment variable GREENGRASS_ITSM__SITE`. */
export interface Source {
  layer: Layer;
  label: string;
}

/** What one giver says at a path (the root, where there is none), or why it cannot be read. */
export type GivenPart = { source: Source; path?: readonly string[] } & ({ value: unknown } | { flaw: string });

/** A merged tree that knows who gave each value. */
export type Given =
  | { kind: 'value'; value: Exclude<Value, Tree>; source: Source }
  | { kind: 'group'; fields: ReadonlyMap<string, Given>; source: Source };

/** Lays `value` over what lower layers gave: groups merge, everything else (a list too) replaces. */
export function layOver(under: Given | undefined, value: Value, source: Source): Given {
  if (!isTree(value)) return { kind: 'value', value, source };
  const fields = new Map(under?.kind === 'group' ? under.fields : []);
  for (const [name, field] of Object.entries(value)) fields.set(name, layOver(fields.get(name), field, source));
  return { kind: 'group', fields, source };
}

/** The merged values alone. */
export function valuesOf(given: Given): Value {
  if (given.kind === 'value') return given.value;
  return Object.fromEntries([...given.fields].map(([name, field]) => [name, valuesOf(field)]));
}

/** Who gave what stands at `path`, or else the nearest group around it; for a group, who gave something in it last. */
export function nearestSource(given: Given, path: Path): Source {
  const [first, ...rest] = path;
  const field = fieldOf(given, first);
  return field === undefined ? given.source : nearestSource(field, rest);
}

/** The layer that the value at `path` came from; `default` where no layer gave it. */
export function originOf(given: Given, path: Path): Layer {
  const [first, ...rest] = path;
  // A list is given as a whole, its items with it.
  if (first === undefined || (given.kind === 'value' && Array.isArray(given.value))) return given.source.layer;
  const field = fieldOf(given, first);
  return field === undefined ? 'default' : originOf(field, rest);
}

function fieldOf(given: Given, name: string | number | undefined): Given | undefined {
  return given.kind === 'group' && typeof name === 'string' ? given.fields.get(name) : undefined;
}
