import { isUtf8 } from 'node:buffer';
import type { DestinationTemplate } from './contract.ts';
import { csvValue, splitCsvLine } from './csv-line.ts';
import type { Line } from './slice-lines.ts';

export type Refusal =
  | 'too-long'
  | 'not-utf8'
  | 'not-json'
  | 'not-an-object'
  | 'not-csv'
  | 'columns-differ'
  | 'field-missing'
  /** A value in which so many others lie that it cannot be written. */
  | 'too-deep';

export type Transformed = { kind: 'out'; text: string } | { kind: 'refused'; reason: Refusal } | { kind: 'blank' };

export interface LineTransform {
  /** First line of each file. */
  head: string;
  transform(line: Line): Transformed;
}

const refused = (reason: Refusal): Transformed => ({ kind: 'refused', reason });

/** What a destination's template makes of a line. */
export function lineTransform(template: DestinationTemplate): LineTransform {
  const { input, output } = template;
  const fields = template.fields.map(({ from, to, required }) => ({
    path: from.split('.'),
    name: JSON.stringify(to),
    required,
  }));

  function write(record: unknown): Transformed {
    const values: string[] = [];
    for (const { path, name, required } of fields) {
      const value = valueAt(record, path);
      if (value === undefined || value === null || value === '') {
        if (required) return refused('field-missing');
        if (output === 'csv') values.push('');
        continue;
      }
      const text = output === 'csv' && typeof value === 'string' ? value : jsonOf(value);
      if (text === undefined) return refused('too-deep');
      values.push(output === 'csv' ? csvValue(text) : `${name}:${text}`);
    }
    return { kind: 'out', text: output === 'csv' ? `${values.join(',')}\n` : `{${values.join(',')}}\n` };
  }

  return {
    head: output === 'csv' ? `${template.fields.map(({ to }) => csvValue(to)).join(',')}\n` : '',
    transform({ offset, bytes }) {
      if (bytes === undefined) return refused('too-long');
      if (!isUtf8(bytes)) return refused('not-utf8');
      const text = bytes.toString().replace(/\r$/, '');
      if (text.trim() === '') return { kind: 'blank' };
      if (input.format === 'ndjson') {
        const record = parse(text);
        if (record === undefined) return refused('not-json');
        return typeof record === 'object' && record !== null && !Array.isArray(record)
          ? write(record)
          : refused('not-an-object');
      }
      if (input.header && offset === 0) return { kind: 'blank' };
      const values = splitCsvLine(text);
      if (values === undefined) return refused('not-csv');
      if (values.length !== input.columns.length) return refused('columns-differ');
      return write(Object.fromEntries(input.columns.map((column, place) => [column, values[place]])));
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns undefined where the value is deeper than the stack: what was parsed can be so deep that it is not written again */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Own properties only: a line may call a field as it likes. */
function valueAt(record: unknown, path: readonly string[]): unknown {
  let value: unknown = record;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, name)?.value;
  }
  return value;
}
