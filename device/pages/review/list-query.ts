/**
 * The list's filter as the page handles it: an encoded query taken apart into what a breadcrumb shows and what sorts. The
 * instance alone understands conditions; here they are only cut, joined and named.
 */
export interface ListQuery {
  /** Parts between `^`, with their `OR` and `NQ`, without `ORDERBY`. */
  conditions: readonly string[];
  sort: ListSort | undefined;
}

export interface ListSort {
  key: string;
  descending: boolean;
}

export function parseListQuery(encoded: string): ListQuery {
  const conditions: string[] = [];
  let sort: ListSort | undefined;
  for (const part of encoded.split('^')) {
    const order = /^ORDERBY(DESC)?([a-z0-9_.]+)$/.exec(part);
    if (order !== null) sort ??= { key: order[2] ?? '', descending: order[1] !== undefined };
    else if (part !== '' && part !== 'EQ') conditions.push(part);
  }
  return { conditions, sort };
}

export function encodeListQuery({ conditions, sort }: ListQuery): string {
  const order = sort === undefined ? [] : [`ORDERBY${sort.descending ? 'DESC' : ''}${sort.key}`];
  return [...conditions, ...order].join('^');
}

export interface Crumb {
  text: string;
  /** The conditions up to here: what a click on the crumb leaves. */
  upTo: readonly string[];
  /** The conditions without this one and its alternatives. */
  without: readonly string[];
}

/** One crumb a condition; alternatives (`^OR`) stand with the condition that they belong to. */
export function breadcrumb(conditions: readonly string[], labels: Labels): Crumb[] {
  const starts = conditions.flatMap((condition, index) => (index === 0 || !isAlternative(condition) ? [index] : []));
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? conditions.length;
    const [first = '', ...others] = conditions.slice(start, end);
    return {
      text: [conditionText(first, labels), ...others.map((other) => conditionText(other, labels))].join(' '),
      upTo: conditions.slice(0, end),
      without: withoutLeadingJoin([...conditions.slice(0, start), ...conditions.slice(end)]),
    };
  });
}

const isAlternative = (condition: string) => condition.startsWith('OR');

/** A group that has lost what stood before it needs no `NQ`. */
const withoutLeadingJoin = ([first, ...rest]: readonly string[]): readonly string[] =>
  first === undefined ? [] : [first.replace(/^(NQ|OR)(?=[a-z])/, ''), ...rest].filter((part) => part !== '');

/** How fields and their values are called. */
export interface Labels {
  field: (name: string) => string;
  value: (field: string, value: string) => string;
}

const operatorTexts: Readonly<Record<string, string>> = {
  LIKE: 'contains',
  'NOT LIKE': 'does not contain',
  STARTSWITH: 'starts with',
  ENDSWITH: 'ends with',
  IN: 'is one of',
  'NOT IN': 'is not one of',
  ISEMPTY: 'is empty',
  ISNOTEMPTY: 'is not empty',
  EMPTYSTRING: 'is an empty text',
  ANYTHING: 'is anything',
  BETWEEN: 'between',
  SAMEAS: 'is the same as',
  NSAMEAS: 'is different from',
  '!=': '≠',
  '<=': '≤',
  '>=': '≥',
  '=': '=',
  '<': '<',
  '>': '>',
};

const conditionPattern =
  /^([a-z0-9_.]+)(NOT LIKE|LIKE|STARTSWITH|ENDSWITH|NOT IN|IN|ISNOTEMPTY|ISEMPTY|EMPTYSTRING|ANYTHING|BETWEEN|NSAMEAS|SAMEAS|!=|<=|>=|=|<|>)(.*)$/s;

function conditionText(condition: string, labels: Labels): string {
  const [, join = '', rest = condition] = /^(NQ|OR)(?=[a-z])(.*)$/s.exec(condition) ?? [];
  const lead = join === 'OR' ? 'or ' : join === 'NQ' ? 'or else ' : '';
  const [, field, operator, value] = conditionPattern.exec(rest) ?? [];
  if (field === undefined || operator === undefined || value === undefined) return `${lead}${rest}`;
  const values = value
    .split(operator.endsWith('IN') ? ',' : '\u0000')
    .map((one) => labels.value(field, one))
    .join(', ');
  return `${lead}${labels.field(field)} ${operatorTexts[operator] ?? operator} ${values}`.trimEnd();
}

const searchedFields = ['number', 'short_description', 'description', 'correlation_id'];

/** The query with a search beside it, in each of its groups. `^` cannot stand in a condition, so words are cut there. */
export function withSearch(encoded: string, search: string): string {
  const words = search
    .split('^')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) return encoded;
  const { conditions, sort } = parseListQuery(encoded);
  const clauses = words.map((word) => searchedFields.map((field) => `${field}LIKE${word}`).join('^OR'));
  const groups: string[][] = [[]];
  for (const condition of conditions) {
    if (/^NQ[a-z]/.test(condition) && groups.at(-1)?.length !== 0) groups.push([]);
    groups.at(-1)?.push(condition);
  }
  return encodeListQuery({ conditions: groups.flatMap((group) => [...group, ...clauses]), sort });
}
