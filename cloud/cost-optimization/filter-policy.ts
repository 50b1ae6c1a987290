import { z } from 'zod';

/** Conditions of SNS on one value, as its filter policies write them. */
const condition = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.strictObject({ prefix: z.string() }),
  z.strictObject({ suffix: z.string() }),
  z.strictObject({ 'equals-ignore-case': z.string() }),
  z.strictObject({
    'anything-but': z.union([
      z.string(),
      z.number(),
      z.array(z.union([z.string(), z.number()])).min(1),
      z.strictObject({ prefix: z.string() }),
    ]),
  }),
  z.strictObject({
    numeric: z
      .array(z.union([z.string(), z.number()]))
      .min(2)
      .max(4),
  }),
  z.strictObject({ exists: z.boolean() }),
]);
type Condition = z.infer<typeof condition>;

/** A filter policy: by key, of which each has to hold, the conditions of which one has to. In a body, keys may be nested. */
export interface FilterPolicy {
  readonly [key: string]: readonly Condition[] | FilterPolicy;
}

/** What SNS would deliver by. Attributes: numbers of type Number, lists of String.Array, text else. */
export type Attributes = Readonly<Record<string, string | number | readonly (string | number | boolean | null)[]>>;

const operators: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** Builders of conditions: `{ store: ['a', prefix('b')], price: [between(0, 100)] }`. */
export const prefix = (text: string): Condition => ({ prefix: text });
export const suffix = (text: string): Condition => ({ suffix: text });
export const anythingBut = (...values: readonly (string | number)[]): Condition => ({ 'anything-but': [...values] });
export const exists = (does = true): Condition => ({ exists: does });
/** Lowest and highest value, both taken. */
export const between = (lowest: number, highest: number): Condition => ({ numeric: ['>=', lowest, '<=', highest] });
export const compare = (operator: '=' | '<' | '<=' | '>' | '>=', bound: number): Condition => ({
  numeric: [operator, bound],
});

/** What SNS allows of one policy: 5 keys, and 150 combinations of values. */
export const mostKeys = 5;
export const mostCombinations = 150;

/**
 * A policy that SNS would take.
 * @throws RangeError that says what it would refuse
 */
export function filterPolicy(policy: FilterPolicy): FilterPolicy {
  const leaves = leavesOf(policy);
  if (leaves.length === 0 || leaves.length > mostKeys) {
    throw new RangeError(`A filter policy has 1 to ${mostKeys} keys, this one has ${leaves.length}.`);
  }
  const combinations = leaves.reduce((product, [depth, conditions]) => product * depth * conditions.length, 1);
  if (combinations > mostCombinations) {
    throw new RangeError(`A filter policy has at most ${mostCombinations} combinations, this one has ${combinations}.`);
  }
  for (const [, conditions] of leaves) {
    if (conditions.length === 0) throw new RangeError('A key of a filter policy has at least one condition.');
    for (const one of conditions) {
      const { error } = condition.safeParse(one);
      if (error !== undefined || !isNumericSound(one))
        throw new RangeError(`SNS knows no condition ${JSON.stringify(one)}.`);
    }
  }
  return policy;
}

function leavesOf(policy: FilterPolicy, depth = 1): [depth: number, conditions: readonly Condition[]][] {
  return Object.values(policy).flatMap((value): [number, readonly Condition[]][] =>
    isConditions(value) ? [[depth, value]] : leavesOf(value, depth + 1),
  );
}

/** Whether a message with these attributes is delivered (scope MessageAttributes). */
export function matchesAttributes(policy: FilterPolicy, attributes: Attributes): boolean {
  return Object.entries(policy).every(([key, wanted]) => {
    if (!isConditions(wanted)) return false;
    const value = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
    return holds(wanted, value === undefined ? undefined : Array.isArray(value) ? value : [value]);
  });
}

/** Whether a message with this body is delivered (scope MessageBody). A list holds if one of its elements does. */
export function matchesBody(policy: FilterPolicy, body: unknown): boolean {
  return Object.entries(policy).every(([key, wanted]) => {
    const value = child(body, key);
    if (isConditions(wanted)) return holds(wanted, value === undefined ? undefined : [value].flat());
    return [value].flat().some((one) => matchesBody(wanted, one));
  });
}

function holds(conditions: readonly Condition[], values: readonly unknown[] | undefined): boolean {
  return conditions.some((one) => {
    if (isObject(one) && 'exists' in one) return one.exists === (values !== undefined);
    if (values === undefined) return false;
    // Not one of a list's elements may be among what is excluded.
    if (isObject(one) && 'anything-but' in one) return values.every((value) => holdsFor(one, value));
    return values.some((value) => holdsFor(one, value));
  });
}

function holdsFor(one: Condition, value: unknown): boolean {
  if (!isObject(one)) return one === value;
  if ('prefix' in one) return typeof value === 'string' && value.startsWith(one.prefix);
  if ('suffix' in one) return typeof value === 'string' && value.endsWith(one.suffix);
  if ('equals-ignore-case' in one) {
    return typeof value === 'string' && value.toLowerCase() === one['equals-ignore-case'].toLowerCase();
  }
  if ('anything-but' in one) {
    const excluded = one['anything-but'];
    if (typeof excluded === 'object' && 'prefix' in excluded) return !holdsFor(excluded, value);
    return ![excluded].flat().some((each) => each === value);
  }
  if ('numeric' in one)
    return typeof value === 'number' && comparisons(one.numeric).every(([is, bound]) => is(value, bound));
  return false;
}

function comparisons(parts: readonly (string | number)[]): [(value: number, bound: number) => boolean, number][] {
  const pairs: [(value: number, bound: number) => boolean, number][] = [];
  for (let place = 0; place < parts.length; place += 2) {
    const is = operators[String(parts[place])];
    const bound = parts[place + 1];
    if (is !== undefined && typeof bound === 'number') pairs.push([is, bound]);
  }
  return pairs;
}

function isNumericSound(one: Condition): boolean {
  return !isObject(one) || !('numeric' in one) || comparisons(one.numeric).length === one.numeric.length / 2;
}

function isConditions(value: readonly Condition[] | FilterPolicy): value is readonly Condition[] {
  return Array.isArray(value);
}

function isObject<T>(value: T): value is Extract<T, object> {
  return typeof value === 'object' && value !== null;
}

function child(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, key)
    ? new Map(Object.entries(body)).get(key)
    : undefined;
}
