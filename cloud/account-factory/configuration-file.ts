import { isMap, isNode, isSeq, Lexer, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type ConfigurationFile, configurationFile, type Product, type UpdateFile, updateFile } from './contract.ts';
import { graphProblems, type PlannedProduct } from './plan.ts';

/** Larger files are not read. */
export const maxFileBytes = 200_000;

/** What is wrong with a file, and where. */
export interface Problem {
  line: number;
  column: number;
  /** `organization_units.default.products[0].regions`; empty for the file as a whole. */
  path: string;
  says: string;
}

export type ReadFile<T> = { ok: true; value: T } | { ok: false; problems: readonly Problem[] };

/** `config.yml` by its schema; each unit's products together with the default ones form a graph without circles. */
export function readConfigurationFile(text: string): ReadFile<ConfigurationFile> {
  const read = readYaml(text, configurationFile);
  if (!read.ok) return read;
  const { organization_units: units } = read.value;
  const defaults = placed(read.value, 'default');
  const problems = Object.keys(units).flatMap((unit) =>
    productProblems(unit === 'default' ? defaults : [...defaults, ...placed(read.value, unit)]),
  );
  return told(read.value, problems, read.placeOf);
}

/**
 * `update.yml` by its schema. What a product depends on may be there already, and the accounts of a unit are not known
 * here: names and circles are looked at once more for each account.
 */
export function readUpdateFile(text: string): ReadFile<UpdateFile> {
  const read = readYaml(text, updateFile);
  if (!read.ok) return read;
  const problems = read.value.products.flatMap((product, index) => [
    ...repeated(product.regions).map((one) => ({ at: ['products', index, 'regions'], says: `names ${one} twice` })),
    ...(product.dependson.includes(product.provision_name)
      ? [{ at: ['products', index, 'dependson'], says: `${product.provision_name} depends on itself` }]
      : []),
  ]);
  return told(read.value, problems, read.placeOf);
}

/** Every product that a new account of a unit gets, the default ones first. */
export function productsOf({ organization_units: units }: ConfigurationFile, unit: string): Product[] {
  const own = (name: string) => (Object.hasOwn(units, name) ? (units[name]?.products ?? []) : []);
  return unit === 'default' ? own(unit) : [...own('default'), ...own(unit)];
}

type Path = readonly PropertyKey[];

interface Placed {
  product: Product;
  at: Path;
}

const placed = ({ organization_units: units }: ConfigurationFile, unit: string): Placed[] =>
  Object.hasOwn(units, unit)
    ? (units[unit]?.products ?? []).map((product, index) => ({
        product,
        at: ['organization_units', unit, 'products', index],
      }))
    : [];

interface Finding {
  at: Path;
  says: string;
}

/** What is wrong with products that one account gets together. */
function productProblems(products: readonly Placed[]): Finding[] {
  // Any account: at this place none is known.
  const account = '';
  const planned = products.map(
    ({ product }): PlannedProduct => ({ account, name: product.provision_name, dependsOn: product.dependson }),
  );
  const atName = (id: string, field: string): Path => {
    const found = products.findLast(({ product }) => `-${product.provision_name}` === id);
    return [...(found?.at ?? []), field];
  };
  return [
    ...graphProblems(planned).map((problem): Finding => {
      if (problem.kind === 'duplicate') {
        const says = `${problem.id.slice(1)} is the name of two products of one account`;
        return { at: atName(problem.id, 'provision_name'), says };
      }
      if (problem.kind === 'unknown-dependency') {
        const says = `${problem.dependency.slice(1)} is no provision_name of the same unit or of default`;
        return { at: atName(problem.id, 'dependson'), says };
      }
      const circle = [...problem.ids, problem.ids[0] ?? ''].map((id) => id.slice(1)).join(' → ');
      return { at: atName(problem.ids[0] ?? '', 'dependson'), says: `depends on itself: ${circle}` };
    }),
    ...products.flatMap(({ product, at }) =>
      repeated(product.regions).map((one) => ({ at: [...at, 'regions'], says: `names ${one} twice` })),
    ),
  ];
}

const repeated = (names: readonly string[]) => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];

/** The same finding of several units is told once. */
function told<T>(value: T, findings: readonly Finding[], placeOf: PlaceOf): ReadFile<T> {
  const problems = new Map(
    findings.map(({ at, says }) => {
      const problem = { ...placeOf(at), path: pathOf(at), says };
      return [JSON.stringify(problem), problem];
    }),
  );
  return problems.size === 0 ? { ok: true, value } : { ok: false, problems: [...problems.values()] };
}

type PlaceOf = (path: Path) => { line: number; column: number };

function readYaml<S extends z.ZodType>(
  text: string,
  schema: S,
): { ok: true; value: z.output<S>; placeOf: PlaceOf } | { ok: false; problems: readonly Problem[] } {
  const whole = (says: string) => ({ ok: false, problems: [{ line: 1, column: 1, path: '', says }] }) as const;
  if (Buffer.byteLength(text) > maxFileBytes) return whole(`is larger than ${maxFileBytes} bytes`);
  if (isDeep(text)) return whole(`is nested deeper than ${mostNested} levels`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    // Every value is the text that stands there: account ids keep their zeros, versions are no numbers.
    schema: 'failsafe',
    version: '1.2',
    merge: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) {
    return {
      ok: false,
      problems: mistakes.slice(0, mostTold).map(({ pos, message }) => ({ ...at(pos[0]), path: '', says: message })),
    };
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 0 });
  } catch {
    return whole('uses an alias (*name): write the value itself in each place');
  }
  const placeOf: PlaceOf = (path) => at(offsetOf(document.contents, path));
  const parsed = schema.safeParse(content);
  if (parsed.success) return { ok: true, value: parsed.data, placeOf };
  return {
    ok: false,
    problems: parsed.error.issues
      .flatMap(findingsOf)
      .slice(0, mostTold)
      .map(({ at, says }) => ({ ...placeOf(at), path: pathOf(at), says })),
  };
}

function findingsOf(issue: z.core.$ZodIssue): Finding[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ at: [...issue.path, key], says: 'is no field of this place' }));
  }
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return [{ at: issue.path, says: isMissing ? 'is missing' : issue.message }];
}

/** More are not told: the first ones have to be mended anyway. */
const mostTold = 20;
const mostNested = 20;

/** Whether the parser, which recurses, would go deep. By tokens, so that it is known before. */
function isDeep(text: string): boolean {
  let inBrackets = 0;
  let inLine = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') inBrackets += 1;
    else if (token === ']' || token === '}') inBrackets -= 1;
    else if (inBrackets === 0 && (token === '-' || token === '?' || token === ':')) inLine += 1;
    // An indent opens at most one level for each of its columns.
    else if (/^ {64,}$/.test(token)) return true;
    if (/[\r\n]$/.test(token)) inLine = 0;
    if (inBrackets > mostNested || inLine > mostNested) return true;
  }
  return false;
}

/** Where the value stands, or what of the way to it is there. */
function offsetOf(root: ParsedNode | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isNode(key) && 'value' in key && key.value === step);
      // A field that is too much is told at its key.
      if (pair !== undefined && isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      if (isNode(node)) offset = node.range?.[0] ?? offset;
    } else {
      break;
    }
  }
  return offset;
}

function pathOf(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}
