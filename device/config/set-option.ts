import { fieldAt } from './fields.ts';
import type { GivenPart } from './merge.ts';
import { formatPath, readPath } from './path.ts';
import { valueOfText } from './text-value.ts';
import { deepest } from './tree.ts';

const example = 'write --set thresholds.temperature.upper=30';

/** What one `--set PATH=VALUE` says. */
export function setOptionPart(option: string): GivenPart {
  const { path, rest } = readPath(option.trimStart());
  if (path.length === 0)
    return { source: { layer: '--set', label: '--set' }, flaw: `begins with no name of a field; ${example}` };
  if (path.length > deepest)
    return { source: { layer: '--set', label: '--set' }, flaw: `names more than ${deepest} levels; ${example}` };
  if (!/^[=[]/.test(rest)) {
    // What follows a forgotten = may be a secret: only what can be a name is repeated.
    const name = /^[\w.]*/.exec(formatPath(path))?.[0] ?? '';
    return { source: { layer: '--set', label: `--set ${name}` }, flaw: `no = follows the name; ${example}` };
  }
  const source = { layer: '--set', label: `--set ${formatPath(path)}` } as const;
  if (rest.startsWith('['))
    return { source, path, flaw: 'a list is given as a whole, as JSON or with commas between its items' };
  const read = valueOfText(rest.slice(1), fieldAt(path));
  return 'flaw' in read ? { source, path, flaw: read.flaw } : { source, path, value: read.value };
}
