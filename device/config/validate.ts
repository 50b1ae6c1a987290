import type { z } from 'zod';
import { environmentName } from './environment.ts';
import { expectation, type Field, fieldAt } from './fields.ts';
import type { Source } from './merge.ts';
import { nearestPath } from './nearest.ts';
import { formatPath, type Path, quoted } from './path.ts';
import { found, type Problem } from './problems.ts';
import { configSchema } from './schema.ts';
import { type Tree, valueAt } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** More problems than this of one giver are not worth the time to word them. */
const mostIssues = 100;

/** What the schema has against the values of one giver, or of all merged. What is missing counts only in the latter. */
export function schemaProblems(
  tree: Tree,
  sourceOf: (path: Path) => Source,
  { missing }: { missing: 'may be' | 'is a problem' },
): Problem[] {
  const parsed = configSchema.safeParse(tree);
  if (parsed.success) return [];
  return parsed.error.issues.slice(0, mostIssues).flatMap((issue) => {
    const path = issue.path.map((name) => (typeof name === 'symbol' ? String(name) : name));
    const source = sourceOf(path);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, mostIssues).map((key) => unknownName([...path, key], source));
    }
    if (missing === 'may be' && valueAt(tree, path) === undefined) return [];
    return [{ path, source, message: sentenceOf(issue, path, tree) }];
  });
}

function unknownName(path: Path, source: Source): Problem {
  const near = nearestPath(path.map(String));
  if (near === undefined) return { path, source, message: 'unknown name' };
  const name = source.layer === 'environment' ? environmentName(near) : formatPath(near);
  return { path, source, message: `unknown name; did you mean ${name}?` };
}

function sentenceOf(issue: Issue, path: Path, tree: Tree): string {
  const value = valueAt(tree, path);
  const field = fieldAt(path);
  const expected = field === undefined ? 'another value' : expectation(field);
  if (value === undefined) return `is missing, expected ${expected}`;
  switch (issue.code) {
    case 'invalid_key':
      return `${quoted(String(path.at(-1)))} is no name for it: ${issue.issues[0]?.message ?? 'not allowed'}`;
    case 'custom':
    case 'invalid_format':
      return `found ${found(value, path)}: ${issue.message}`;
    default:
      return `found ${found(value, path)}, expected ${expected}${advice(value, field)}`;
  }
}

function advice(value: unknown, field: Field | undefined): string {
  const textWanted = field?.type === 'string' && (typeof value === 'number' || typeof value === 'boolean');
  return textWanted ? '; write it in quotes' : '';
}
