import type { Path } from './path.ts';

/** A layer as it was given, with nothing in it but plain values: what JSON can say, without null. */
export type Value = string | number | boolean | readonly Value[] | Tree;
export interface Tree {
  readonly [name: string]: Value;
}

export interface Flaw {
  path: Path;
  message: string;
}

/** Names that would reach an object's prototype. No field has them. */
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype']);
/** Deepest nesting that is read; the schema needs a third of it. */
export const deepest = 20;
const mostValues = 20_000;

/**
 * A copy of what was given that is safe to walk and merge. `null` says nothing, like a field that is not there. What
 * cannot be configuration (functions, dates, names that reach a prototype, too deep, too much) is a flaw.
 */
export function plainTree(given: unknown): { tree: Tree; flaws: Flaw[] } {
  const flaws: Flaw[] = [];
  let values = 0;

  const copy = (value: unknown, path: Path): Value | undefined => {
    values += 1;
    if (values > mostValues) return undefined;
    if (value === null || value === undefined) return undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    if (path.length > deepest) {
      flaws.push({ path, message: `nested deeper than ${deepest} levels` });
      return undefined;
    }
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown, index) => {
        const copied = copy(item, [...path, index]);
        if (item === null || item === undefined)
          flaws.push({ path: [...path, index], message: 'an item must not be null' });
        return copied === undefined ? [] : [copied];
      });
    }
    if (!isPlainObject(value)) {
      flaws.push({ path, message: 'neither text, number, true, false, list nor group of fields' });
      return undefined;
    }
    return copyGroup(value, path);
  };

  const copyGroup = (group: object, path: Path): Tree => {
    const entries: [string, Value][] = [];
    for (const [name, value] of Object.entries(group)) {
      if (forbiddenNames.has(name)) {
        flaws.push({ path: [...path, name], message: 'this name is not allowed' });
        continue;
      }
      const copied = copy(value, [...path, name]);
      if (copied !== undefined) entries.push([name, copied]);
    }
    return Object.fromEntries(entries);
  };

  if (given === null || given === undefined) return { tree: {}, flaws };
  if (!isPlainObject(given)) {
    return { tree: {}, flaws: [{ path: [], message: 'is not a group of fields such as {"site": "home"}' }] };
  }
  const tree = copyGroup(given, []);
  if (values > mostValues) return { tree: {}, flaws: [{ path: [], message: `holds more than ${mostValues} values` }] };
  return { tree, flaws };
}

/** The tree in which one value stands at `path`. */
export function treeOf(path: readonly string[], value: Value): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return {};
  return { [first]: rest.length === 0 ? value : treeOf(rest, value) };
}

export function isTree(value: Value | undefined): value is Tree {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The value at a path, own names only. */
export function valueAt(tree: Value | undefined, path: Path): Value | undefined {
  return path.reduce<Value | undefined>((value, name) => {
    if (typeof value !== 'object') return undefined;
    return Object.entries(value).find(([own]) => own === String(name))?.[1];
  }, tree);
}

/** The tree without what stands at `path`. */
export function without(tree: Tree, path: readonly string[]): Tree {
  const [first, ...rest] = path;
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, value]): [string, Value][] => {
      if (name !== first) return [[name, value]];
      return rest.length > 0 && isTree(value) ? [[name, without(value, rest)]] : [];
    }),
  );
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
