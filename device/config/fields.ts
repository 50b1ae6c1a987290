import { z } from 'zod';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';

/** What the schema says of one field, group, map or list: JSON Schema with the metadata of `schema.ts`. */
export const fieldSchema = z.object({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  unit: z.string().optional(),
  keys: z.string().optional(),
  off: z.boolean().optional(),
  live: z.boolean().optional(),
  enum: z.array(z.string()).optional(),
  const: z.unknown().optional(),
  minimum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), fieldSchema).optional();
  },
  /** What a map holds by key. `false` is JSON Schema for a group: no other names. */
  get additionalProperties() {
    return z.union([fieldSchema, z.boolean()]).optional();
  },
  get items() {
    return fieldSchema.optional();
  },
  get anyOf() {
    return z.array(fieldSchema).optional();
  },
});

export type Field = z.infer<typeof fieldSchema>;

let root: Field | undefined;

/** The configuration as one field. Made when first asked: most starts need it only for an error. */
export function rootField(): Field {
  root ??= fieldSchema.parse(z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' }));
  return root;
}

/** What a map holds under each of its keys; undefined for what is not a map. */
export function heldByMap(field: Field): Field | undefined {
  return typeof field.additionalProperties === 'object' ? field.additionalProperties : undefined;
}

/** The field at a path; undefined for a name that the schema does not know. */
export function fieldAt(path: Path): Field | undefined {
  return path.reduce<Field | undefined>((field, name) => {
    if (field === undefined) return undefined;
    if (typeof name === 'number') return field.items;
    return childOf(field, name);
  }, rootField());
}

/** Whether a change of what stands at the path takes effect without a restart. */
export function isLive(path: Path): boolean {
  return path.some((_, index) => fieldAt(path.slice(0, index + 1))?.live === true);
}

function childOf(field: Field, name: string): Field | undefined {
  if (field.properties !== undefined && Object.hasOwn(field.properties, name)) return field.properties[name];
  return heldByMap(field);
}

/**
 * Every path of the schema, groups included. The key of a map is the one in `along` where `along` leads through it, else
 * one of the keys that the map must have, or a placeholder such as `<metric>`.
 */
export function knownPaths(along: Path = []): string[][] {
  const walk = (field: Field, path: string[]): string[][] => {
    const held = heldByMap(field);
    const own = Object.entries(field.properties ?? {});
    const together = path.every((name, index) => name === along[index]);
    const key = together && path.length < along.length - 1 ? along[path.length] : undefined;
    if (held !== undefined) {
      const keys = typeof key === 'string' ? [key] : (field.required ?? [placeholder(field)]);
      own.push(...keys.map((name): [string, Field] => [name, held]));
    }
    return own.flatMap(([name, child]) => [[...path, name], ...walk(child, [...path, name])]);
  };
  return walk(rootField(), []);
}

/** Stands for the key of a map in a path that is shown. */
export function placeholder(map: Field): string {
  return `<${map.keys ?? 'name'}>`;
}

/** What may stand there, for a sentence or a table: `a whole number from 20 to 1000 (ms)`. */
export function expectation(field: Field): string {
  const words = `${kindOf(field)}${field.unit === undefined ? '' : ` (${field.unit})`}`;
  return field.off === true ? `${words}, or off` : words;
}

function kindOf(field: Field): string {
  if (field.enum !== undefined)
    return field.enum.length === 1 ? String(field.enum[0]) : `one of ${field.enum.join(', ')}`;
  if (field.const !== undefined) return String(field.const);
  if (field.anyOf !== undefined) return field.anyOf.map(kindOf).join(' or ');
  switch (field.type) {
    case 'integer':
      return `a whole number${rangeOf(field)}`;
    case 'number':
      return `a number${rangeOf(field)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${field.maxItems === undefined ? '' : ` of at most ${field.maxItems}`}`;
    case 'object':
      return heldByMap(field) === undefined ? 'a group of fields' : `a map by ${field.keys ?? 'name'}`;
    default:
      return textKind(field);
  }
}

function textKind({ minLength, maxLength }: Field): string {
  if (maxLength === undefined) return 'a text';
  return minLength === undefined
    ? `a text of at most ${maxLength} characters`
    : `a text of ${minLength} to ${maxLength} characters`;
}

/** Beyond this JSON Schema only says that a whole number is one that a computer holds exactly. */
const safe = Number.MAX_SAFE_INTEGER;

function rangeOf({ minimum, exclusiveMinimum, maximum }: Field): string {
  const most = maximum === undefined || maximum >= safe ? undefined : maximum;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}${most === undefined ? '' : ` up to ${most}`}`;
  if (minimum === undefined || minimum <= -safe) return most === undefined ? '' : ` up to ${most}`;
  return most === undefined ? ` from ${minimum}` : ` from ${minimum} to ${most}`;
}
