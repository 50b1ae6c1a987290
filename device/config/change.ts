import { isLive } from './fields.ts';
import { formatPath } from './path.ts';
import type { Config } from './schema.ts';
import { plainTree, type Tree, type Value } from './tree.ts';

/** What a change of the configuration asks of what runs; fields are told by path, in the order of their names. */
export type Change =
  | { kind: 'none' }
  /** `adopt` the configuration, and tell what runs. */
  | { kind: 'live'; fields: readonly string[] }
  /** `because` of these fields the component starts anew in its process, with all `fields` changed. */
  | { kind: 'restart'; fields: readonly string[]; because: readonly string[] };

/** Whether a change can take effect in what runs: the schema says of each field whether it is `live`. */
export function changeBetween(before: Config, after: Config): Change {
  const paths = differences(plainTree(before).tree, plainTree(after).tree, []);
  const fields = paths.map(formatPath).sort();
  const because = paths
    .filter((path) => !isLive(path))
    .map(formatPath)
    .sort();
  if (fields.length === 0) return { kind: 'none' };
  return because.length === 0 ? { kind: 'live', fields } : { kind: 'restart', fields, because };
}

/**
 * Takes the values of `next` over into the configuration that is in use. Its groups stay the same objects: who keeps a
 * group and reads a field when it is needed follows the change; who copied the field keeps the value of its start.
 */
export function adopt(inUse: Config, next: Config): void {
  adoptGroup(inUse, structuredClone(next));
}

function adoptGroup(inUse: object, next: object): void {
  const given = new Map<string, unknown>(Object.entries(next));
  for (const name of Object.keys(inUse)) if (!given.has(name)) Reflect.deleteProperty(inUse, name);
  for (const [name, value] of given) {
    const held: unknown = Reflect.get(inUse, name);
    if (isGroup(held) && isGroup(value)) adoptGroup(held, value);
    else Reflect.set(inUse, name, value);
  }
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Paths of the values that differ; a list counts as one value. */
function differences(before: Tree, after: Tree, path: readonly string[]): string[][] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [one, other] = [before[name], after[name]];
    const here = [...path, name];
    if (isBranch(one) || isBranch(other)) {
      return differences(isBranch(one) ? one : {}, isBranch(other) ? other : {}, here);
    }
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [here];
  });
}

function isBranch(value: Value | undefined): value is Tree {
  return isGroup(value);
}
