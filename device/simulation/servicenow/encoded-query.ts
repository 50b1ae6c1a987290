/**
 * ServiceNow's encoded query as a tree. `^` joins by AND, `^OR` binds to the condition before it, `^NQ` joins whole
 * groups by OR: `a^b^ORc^NQd` is (a AND (b OR c)) OR d.
 */
export interface EncodedQuery {
  /** groups (OR) → clauses (AND) → alternatives (OR). */
  groups: Condition[][][];
  orderBy: { field: string; descending: boolean }[];
}

export type Condition =
  | { kind: 'compare'; field: string; operator: CompareOperator; value: string }
  | { kind: 'in'; field: string; negated: boolean; values: string[] }
  | { kind: 'between'; field: string; from: string; to: string }
  | { kind: 'empty'; field: string; negated: boolean }
  | { kind: 'anything'; field: string }
  | { kind: 'same-as'; field: string; negated: boolean; other: string }
  | { kind: 'invalid'; text: string };

type CompareOperator = '=' | '!=' | '<' | '>' | '<=' | '>=' | 'contains' | 'not-contains' | 'starts-with' | 'ends-with';

const compareOperators: Readonly<Record<string, CompareOperator>> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  LIKE: 'contains',
  'NOT LIKE': 'not-contains',
  STARTSWITH: 'starts-with',
  ENDSWITH: 'ends-with',
  // What the filters of lists write for some of them.
  '*': 'contains',
  CONTAINS: 'contains',
  '!*': 'not-contains',
  'DOES NOT CONTAIN': 'not-contains',
  '%': 'ends-with',
};

// Field names are lower case and operators are not, so the longest lower-case start is the field. Longer operators first.
const term =
  /^([a-z0-9_.]+)(NOT LIKE|LIKE|DOES NOT CONTAIN|CONTAINS|STARTSWITH|ENDSWITH|NOT IN|IN|ISNOTEMPTY|ISEMPTY|EMPTYSTRING|ANYTHING|BETWEEN|NSAMEAS|SAMEAS|!=|!\*|<=|>=|=|<|>|\*|%)(.*)$/s;

/** Parses the text of `sysparm_query`. Never fails: what cannot be understood is kept as an `invalid` condition. */
export function parseEncodedQuery(text: string): EncodedQuery {
  const query: EncodedQuery = { groups: [], orderBy: [] };
  let clauses: Condition[][] = [];
  const endGroup = () => {
    if (clauses.length > 0) query.groups.push(clauses);
    clauses = [];
  };
  for (const part of text.split('^')) {
    if (part === '' || part === 'EQ') continue;
    const order = /^ORDERBY(DESC)?([a-z0-9_.]+)$/.exec(part);
    if (order !== null) {
      query.orderBy.push({ field: order[2] ?? '', descending: order[1] !== undefined });
      continue;
    }
    if (part.startsWith('NQ')) {
      endGroup();
      if (part.length > 2) clauses.push([parseCondition(part.slice(2))]);
      continue;
    }
    const alternativeOf = part.startsWith('OR') ? clauses.at(-1) : undefined;
    if (alternativeOf !== undefined) alternativeOf.push(parseCondition(part.slice(2)));
    else clauses.push([parseCondition(part.startsWith('OR') ? part.slice(2) : part)]);
  }
  endGroup();
  return query;
}

function parseCondition(text: string): Condition {
  const match = term.exec(text);
  const [, field, operator, value] = match ?? [];
  if (field === undefined || operator === undefined || value === undefined) return { kind: 'invalid', text };
  const compare = compareOperators[operator];
  if (compare !== undefined) return { kind: 'compare', field, operator: compare, value };
  switch (operator) {
    case 'IN':
    case 'NOT IN':
      return { kind: 'in', field, negated: operator === 'NOT IN', values: value.split(',') };
    case 'BETWEEN': {
      const at = value.indexOf('@');
      return at < 0
        ? { kind: 'invalid', text }
        : { kind: 'between', field, from: value.slice(0, at), to: value.slice(at + 1) };
    }
    case 'SAMEAS':
    case 'NSAMEAS':
      return { kind: 'same-as', field, negated: operator === 'NSAMEAS', other: value };
    case 'ANYTHING':
      return { kind: 'anything', field };
    default:
      return { kind: 'empty', field, negated: operator === 'ISNOTEMPTY' };
  }
}
