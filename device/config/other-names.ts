import type { Source } from './merge.ts';
import { type Flaw, type Tree, treeOf, type Value, valueAt } from './tree.ts';

/**
 * Names of the first version of this pipeline that deployments still use, at the top of the configuration. Each stands
 * for one or more fields of the schema.
 */
export const otherNames = ['tempLimit', 'humidLimit', 'snowUrl'] as const;
export type OtherName = (typeof otherNames)[number];

/** The field that each other name stands for; `snowUrl` may give the table too. */
export const standsFor: Readonly<Record<OtherName, readonly string[]>> = {
  tempLimit: ['thresholds', 'temperature', 'upper'],
  humidLimit: ['thresholds', 'humidity', 'upper'],
  snowUrl: ['serviceNow', 'url'],
};
const tablePath = ['serviceNow', 'table'];
const targets = [...Object.values(standsFor), tablePath];

/** What one giver says under the schema's names; `as` where it said it by another name. */
export interface Part {
  source: Source;
  tree: Tree;
  as?: OtherName;
}

/** The part in the schema's names alone: first what it says under them, then what it says by other names. */
export function resolveOtherNames(source: Source, tree: Tree): { parts: Part[]; flaws: Flaw[] } {
  const parts: Part[] = [];
  const flaws: Flaw[] = [];
  for (const as of otherNames) {
    const value = valueAt(tree, [as]);
    if (value === undefined) continue;
    const resolved = as === 'snowUrl' && typeof value === 'string' ? splitTableUrl(value) : { url: value };
    if (typeof resolved === 'string') {
      flaws.push({ path: [as], message: resolved });
      continue;
    }
    const named: Source = { ...source, label: source.label.includes(as) ? source.label : `${source.label}, as ${as}` };
    parts.push({ source: named, tree: treeOf(standsFor[as], resolved.url), as });
    if ('table' in resolved) parts.push({ source: named, tree: treeOf(tablePath, resolved.table), as });
  }
  const entries = Object.entries(tree).filter(([name]) => !otherNames.some((other) => other === name));
  return { parts: [{ source, tree: Object.fromEntries(entries) }, ...parts], flaws };
}

/**
 * Base URL of the instance and table of `https://dev1.service-now.com/api/now/table/incident`; a base URL alone leaves
 * the table as it is. Answers a sentence where it is neither.
 */
function splitTableUrl(text: string): { url: string; table: string } | { url: string } | string {
  const expected = 'expected a URL such as https://dev1.service-now.com/api/now/table/incident';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return `it is no http(s) URL; ${expected}`;
  if (url.username !== '' || url.password !== '')
    return 'it holds a user or password; put them into the secret instead';
  if (url.search !== '' || url.hash !== '') return `it must end with the table, without ? or #; ${expected}`;
  const [, before = '', table] = /^(.*)\/api\/now(?:\/v\d+)?\/table\/([^/]+)\/?$/.exec(url.pathname) ?? [];
  if (table !== undefined) return { url: `${url.origin}${before}`, table };
  if (/\/api(\/|$)/.test(url.pathname)) return `it names no table of the Table API; ${expected}`;
  return { url: `${url.origin}${url.pathname.replace(/\/+$/, '')}` };
}

/** Fields that one layer gives under both names, with different values. */
export function contradictions(parts: readonly Part[]): (Flaw & { source: Source })[] {
  return targets.flatMap((path) => {
    const said = parts.flatMap((part) => {
      const value = valueAt(part.tree, path);
      return value === undefined ? [] : [{ ...part, value }];
    });
    const bySchema = said.findLast((one) => one.as === undefined);
    const byOther = said.findLast((one) => one.as !== undefined);
    if (bySchema === undefined || byOther === undefined || means(bySchema.value) === means(byOther.value)) return [];
    const message = `given here and, with another value, as ${byOther.as}; give one of the two${wayOut(path, byOther.as, bySchema.source)}`;
    return [{ path, message, source: bySchema.source }];
  });
}

/** A deployment keeps what earlier ones have merged, so the other name may not even stand in its document. */
function wayOut(path: readonly string[], as: OtherName | undefined, { layer }: Source): string {
  if (layer !== 'deployment') return '';
  return `. Earlier deployments count: add "reset": ["/${as}"] to configurationUpdate and merge ${path.join('.')}, or "reset": ["/${path.join('/')}"] and merge ${as}`;
}

/** The same text for what the schema takes as the same value: `30` and `30.0`, a URL with and without its last slash. */
function means(value: Value): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const text = value.trim();
  return text !== '' && Number.isFinite(Number(text)) ? String(Number(text)) : text.replace(/\/+$/, '');
}
