import { AppError } from '../platform/errors.ts';
import type { Source } from './merge.ts';
import { formatPath, type Path, quoted } from './path.ts';
import type { Value } from './tree.ts';

/** One thing that is wrong with the configuration. */
export interface Problem {
  path: Path;
  /** Undefined where no layer alone is to blame. */
  source: Source | undefined;
  message: string;
}

const mostTold = 20;
const whereToLook = 'Every field is described in device/config/REFERENCE.md.';

/** One error that tells all problems, a line each. */
export function configurationError(problems: readonly Problem[]): AppError {
  const lines = [...new Set(problems.map(sentenceOf))];
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) {
    return new AppError('bad-configuration', `The configuration cannot be used: ${only}. ${whereToLook}`);
  }
  const told = lines.slice(0, mostTold).map((line) => `- ${line}`);
  if (lines.length > mostTold) told.push(`- and ${lines.length - mostTold} more`);
  return new AppError(
    'bad-configuration',
    [`The configuration cannot be used: ${lines.length} problems.`, ...told, whereToLook].join('\n'),
  );
}

function sentenceOf({ path, source, message }: Problem): string {
  const where = formatPath(path);
  if (source === undefined) return `${where}: ${message}`;
  return where === '' ? `${source.label}: ${message}` : `${where} (${source.label}): ${message}`;
}

const secretName = /pass(word|phrase|wd)?|pwd|secret|token|credential|api[-_.]?key|private|^key$|^auth/i;
const urlWithPassword = /:\/\/[^/\s]*@/;

/**
 * What was found, for a sentence: shortened, and never a value that looks like a secret. Configuration holds none, but
 * people put them where they do not belong.
 */
export function found(value: Value | undefined, path: Path): string {
  switch (typeof value) {
    case 'string':
      if (urlWithPassword.test(value)) return 'a URL with a user or password, not shown here';
      return looksSecret(path) ? 'a text, not shown here' : quoted(value);
    case 'object':
      return Array.isArray(value) ? `a list of ${value.length}` : 'a group of fields';
    case 'undefined':
      return 'nothing';
    default:
      return looksSecret(path) ? 'a value, not shown here' : String(value);
  }
}

function looksSecret(path: Path): boolean {
  const name = path.findLast((one) => typeof one === 'string');
  return name !== undefined && secretName.test(String(name));
}
