import { type Field, heldByMap } from './fields.ts';

/**
 * The value that a text from outside (an environment variable, `--set`) means for a field: a group or map is JSON, a
 * list is JSON or items between commas, and everything else stays a text, which the schema turns into what it wants.
 */
export function valueOfText(text: string, field: Field | undefined): { value: unknown } | { flaw: string } {
  const trimmed = text.trim();
  const isGroup = field !== undefined && (field.properties !== undefined || heldByMap(field) !== undefined);
  if (isGroup && trimmed.startsWith('{')) return json(trimmed);
  if (field?.type !== 'array') return { value: text };
  if (trimmed.startsWith('[')) return json(trimmed);
  return { value: trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim()) };
}

/** The parser's own words are not passed on: they repeat what was given. */
function json(text: string): { value: unknown } | { flaw: string } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { flaw: 'begins like JSON and is none; check quotes, commas and brackets' };
  }
}
