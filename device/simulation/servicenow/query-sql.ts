import type { Condition, EncodedQuery } from './encoded-query.ts';
import { type Field, type Table, tables } from './tables.ts';

type SqlValue = string | number;

export interface CompiledQuery {
  /** Boolean expression over the table, which stands in it as `t`. */
  where: string;
  /** For ORDER BY; ends with the order of creation, so that pages never overlap. */
  orderBy: string;
  values: SqlValue[];
}

export interface CompileOptions {
  /** `glide.invalid_query.returns_no_rows`. Off, an invalid part is ignored, so that a misspelt query returns everything. */
  invalidQueryReturnsNoRows: boolean;
  /** The stored value for a choice's label, or the text itself. */
  choiceValue(table: string, element: string, text: string): string;
}

interface Fragment {
  sql: string;
  values: SqlValue[];
}

const nothing: Fragment = { sql: '0', values: [] };
const everything: Fragment = { sql: '1', values: [] };

/** Compiles a query to SQL with bound parameters. Text is compared without regard to ASCII case; empty is the empty text. */
export function compileQuery(query: EncodedQuery, table: Table, options: CompileOptions): CompiledQuery {
  let invalid = false;
  const groups = query.groups.map((clauses) =>
    joined(
      clauses.flatMap((alternatives) => {
        const valid = alternatives.flatMap((condition) => {
          const compiled = compileCondition(condition, table, options);
          invalid ||= compiled === undefined;
          return compiled ?? [];
        });
        return valid.length === 0 ? [] : [joined(valid, ' OR ')];
      }),
      ' AND ',
    ),
  );
  const order = query.orderBy.flatMap(({ field, descending }) => {
    const found = resolveField(table, field);
    invalid ||= found === undefined;
    return found === undefined ? [] : [`${found.sql} COLLATE NOCASE ${descending ? 'DESC' : 'ASC'}`];
  });
  const where =
    invalid && options.invalidQueryReturnsNoRows ? nothing : groups.length === 0 ? everything : joined(groups, ' OR ');
  // Ties in the direction of the order, so that an index gives both at once.
  const ties = query.orderBy.at(-1)?.descending === true ? 't.seq DESC' : 't.seq ASC';
  return { where: where.sql, orderBy: [...order, ties].join(', '), values: where.values };
}

function joined(parts: Fragment[], by: ' AND ' | ' OR '): Fragment {
  if (parts.length === 0) return everything;
  return { sql: `(${parts.map((part) => part.sql).join(by)})`, values: parts.flatMap((part) => part.values) };
}

interface ResolvedField {
  sql: string;
  field: Field;
  /** Table and name of the field that the path ends in. */
  table: Table;
  name: string;
}

/** A field or a dot-walked path through references; undefined where a step is unknown or holds a journal. */
function resolveField(table: Table, path: string): ResolvedField | undefined {
  const [first, ...steps] = path.split('.');
  const field = table.fields.get(first ?? '');
  if (first === undefined || field === undefined || field.type === 'journal' || steps.length > 4) return undefined;
  let resolved: ResolvedField = { sql: `t."${first}"`, field, table, name: first };
  for (const [depth, step] of steps.entries()) {
    const next = tables.get(resolved.field.references ?? '');
    const nextField = next?.fields.get(step);
    if (next === undefined || nextField === undefined || nextField.type === 'journal') return undefined;
    const alias = `r${depth}`;
    const sql = `COALESCE((SELECT ${alias}."${step}" FROM "${next.name}" ${alias} WHERE ${alias}.sys_id = ${resolved.sql}), '')`;
    resolved = { sql, field: nextField, table: next, name: step };
  }
  return resolved;
}

function compileCondition(condition: Condition, table: Table, options: CompileOptions): Fragment | undefined {
  if (condition.kind === 'invalid') return undefined;
  const target = resolveField(table, condition.field);
  if (target === undefined) return undefined;
  const { sql } = target;
  switch (condition.kind) {
    case 'anything':
      return everything;
    case 'empty':
      return { sql: `${sql} ${condition.negated ? '<>' : '='} ''`, values: [] };
    case 'same-as': {
      const other = resolveField(table, condition.other);
      if (other === undefined) return undefined;
      return {
        sql: `CAST(${sql} AS TEXT) ${condition.negated ? '<>' : '='} CAST(${other.sql} AS TEXT) COLLATE NOCASE`,
        values: [],
      };
    }
    case 'in': {
      const values = condition.values
        .map((value) => operand(target, value, options))
        .filter((value) => value !== undefined);
      return {
        sql: `${sql} COLLATE NOCASE ${condition.negated ? 'NOT IN' : 'IN'} (SELECT value FROM json_each(?))`,
        values: [JSON.stringify(values)],
      };
    }
    case 'between':
      return joined(
        [
          compare(target, '>=', operand(target, condition.from, options)),
          compare(target, '<=', operand(target, condition.to, options)),
        ],
        ' AND ',
      );
    case 'compare':
      return compileCompare(condition, target, options);
  }
}

function compileCompare(
  condition: Extract<Condition, { kind: 'compare' }>,
  target: ResolvedField,
  options: CompileOptions,
): Fragment {
  const { operator, value } = condition;
  const text = `CAST(${target.sql} AS TEXT)`;
  switch (operator) {
    case 'contains':
      return { sql: `instr(lower(${text}), lower(?)) > 0`, values: [value] };
    case 'not-contains':
      return { sql: `instr(lower(${text}), lower(?)) = 0`, values: [value] };
    case 'starts-with':
      // The range lets an index help; the comparison of the start makes it exact.
      return target.field.type === 'integer'
        ? { sql: `substr(${text}, 1, length(?)) = ?`, values: [value, value] }
        : {
            sql: `(${target.sql} COLLATE NOCASE >= ? AND substr(${target.sql}, 1, length(?)) = ? COLLATE NOCASE AND ${target.sql} COLLATE NOCASE < ?)`,
            values: [value, value, value, `${value}\u{10ffff}`],
          };
    case 'ends-with':
      return value === ''
        ? everything
        : {
            sql: `(length(${text}) >= length(?) AND substr(${text}, -length(?)) = ? COLLATE NOCASE)`,
            values: [value, value, value],
          };
    default:
      return compare(target, operator, operand(target, value, options));
  }
}

function compare(
  target: ResolvedField,
  operator: '=' | '!=' | '<' | '>' | '<=' | '>=',
  value: SqlValue | undefined,
): Fragment {
  if (value === undefined) return operator === '!=' ? everything : nothing;
  const sql = `${target.sql} COLLATE NOCASE ${operator === '!=' ? '<>' : operator} ?`;
  if (target.field.type !== 'integer' || operator === '=' || operator === '!=') return { sql, values: [value] };
  // Empty is no number: it is neither less nor greater, though SQLite sorts text after every number.
  return value === '' ? nothing : { sql: `(${sql} AND ${target.sql} <> '')`, values: [value] };
}

/** The right-hand side as the column stores it; undefined where an integer field is compared with something else. */
function operand(target: ResolvedField, text: string, options: CompileOptions): SqlValue | undefined {
  const value = target.field.choice === true ? options.choiceValue(target.table.name, target.name, text) : text;
  if (target.field.type === 'boolean') return value === '1' ? 'true' : value === '0' ? 'false' : value;
  if (target.field.type !== 'integer' || value === '') return value;
  return /^-?\d{1,15}$/.test(value) ? Number(value) : undefined;
}
