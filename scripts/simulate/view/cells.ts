/**
 * Text for a terminal. Control characters, escape sequences, direction overrides and unassigned code points are shown as
 * `�`; no text can move the cursor, change colours or hide what stands beside it.
 */
export function printable(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[\ufe00-\ufe0f]/g, '')
    .replace(/[\t\n\r]+/g, ' ')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')
    .replace(/(\p{M}{2})\p{M}+/gu, '$1');
}

const asciiFor: Readonly<Record<string, string>> = {
  '°': '',
  '–': '-',
  '—': '-',
  '…': '.',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
  σ: 's',
  '·': '|',
};

/** The same for a terminal that has nothing but ASCII. */
export function ascii(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return text.replace(/[^\u0000-\u007f]/gu, (character) => asciiFor[character] ?? '?');
}

const wide =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18fff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;

/** Columns that a printable text takes. */
export function cellsOf(text: string): number {
  let cells = 0;
  for (const character of text) cells += cellsOfOne(character);
  return cells;
}

function cellsOfOne(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (/\p{M}/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** At most so many columns of a printable text; `mark` stands where something was cut. */
export function clip(text: string, columns: number, mark: string): string {
  if (cellsOf(text) <= columns) return text;
  if (columns <= 0) return '';
  let kept = '';
  let cells = 0;
  for (const character of text) {
    const own = cellsOfOne(character);
    if (cells + own > columns - 1) break;
    kept += character;
    cells += own;
  }
  return `${kept}${mark}`;
}

/** Exactly so many columns: cut, or filled with blanks on the right (`start`) or the left (`end`). */
export function sized(text: string, columns: number, mark: string, align: 'start' | 'end' = 'start'): string {
  const clipped = clip(text, columns, mark);
  const blanks = ' '.repeat(Math.max(0, columns - cellsOf(clipped)));
  return align === 'start' ? clipped + blanks : blanks + clipped;
}
