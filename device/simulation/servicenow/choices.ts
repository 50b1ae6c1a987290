import type { RecordStore } from './record-store.ts';
import { type Row, tables } from './tables.ts';

/** Labels and values of choice fields, from `sys_choice`. */
export interface Choices {
  /** Label of a stored value; the value itself where there is none. */
  label(table: string, element: string, value: string): string;
  /** Stored value of a label (without regard to case); the text itself where there is none, or where it is a value. */
  value(table: string, element: string, text: string): string;
  /** To be called after a write to `sys_choice`. */
  forget(): void;
}

interface Labels {
  byValue: Map<string, string>;
  byLabel: Map<string, string>;
}

export function createChoices(store: RecordStore): Choices {
  const cache = new Map<string, Labels>();

  function labels(table: string, element: string): Labels {
    const key = `${table}.${element}`;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const found: Labels = { byValue: new Map(), byLabel: new Map() };
    for (const row of readChoices(store, table, element)) {
      const { value = '', label = '' } = row;
      found.byValue.set(value.toLowerCase(), label);
      found.byLabel.set(label.toLowerCase(), value);
    }
    cache.set(key, found);
    return found;
  }

  return {
    label: (table, element, value) => labels(table, element).byValue.get(value.toLowerCase()) ?? value,
    value(table, element, text) {
      const { byValue, byLabel } = labels(table, element);
      return byValue.has(text.toLowerCase()) ? text : (byLabel.get(text.toLowerCase()) ?? text);
    },
    forget: () => cache.clear(),
  };
}

function readChoices(store: RecordStore, table: string, element: string): Row[] {
  const choiceTable = tables.get('sys_choice');
  if (choiceTable === undefined) return [];
  const where = 't.name = ? AND t.element = ?';
  return store.select(
    choiceTable,
    { where, orderBy: 't.sequence, t.seq', values: [table, element] },
    { limit: 1_000, offset: 0 },
  );
}
