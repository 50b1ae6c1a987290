/**
 * The values of one line of a CSV (RFC 4180, without line breaks in values).
 * @returns undefined where a quote is not closed, or something stands behind one that is
 */
export function splitCsvLine(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',');
  const values: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let value = '';
      for (;;) {
        const quote = line.indexOf('"', at + 1);
        if (quote === -1) return undefined;
        value += line.slice(at + 1, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        value += '"';
      }
      values.push(value);
    } else {
      const comma = line.indexOf(',', at);
      const end = comma === -1 ? line.length : comma;
      const value = line.slice(at, end);
      if (value.includes('"')) return undefined;
      values.push(value);
      at = end;
    }
    if (at === line.length) return values;
    if (line[at] !== ',') return undefined;
    at += 1;
    if (at === line.length) return [...values, ''];
  }
}

/** A value as RFC 4180 has it, in quotes where it needs them. */
export function csvValue(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
