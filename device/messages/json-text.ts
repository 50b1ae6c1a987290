const widest = 120;

/** JSON for people: two spaces a level, and a list of plain values on one line where it fits. */
export function jsonText(value: unknown, indent = '', used = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item: unknown) => jsonText(item, deeper, deeper.length)).join(', ')}]`;
    if (!line.includes('\n') && !line.includes('{') && indent.length + used + line.length < widest) return line;
    return block(
      '[',
      value.map((item: unknown) => jsonText(item, deeper)),
      ']',
      indent,
    );
  }
  const fields = Object.entries(value).map(([name, field]) => {
    const key = `${JSON.stringify(name)}: `;
    return `${key}${jsonText(field, deeper, key.length)}`;
  });
  return fields.length === 0 ? '{}' : block('{', fields, '}', indent);
}

function block(open: string, lines: string[], close: string, indent: string): string {
  return `${open}\n${lines.map((line) => `${indent}  ${line}`).join(',\n')}\n${indent}${close}`;
}
