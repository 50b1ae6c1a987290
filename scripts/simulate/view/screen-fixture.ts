/** For tests: what a terminal shows after these writes; the few sequences that a live view uses, on endless paper. */
export function screenOf(output: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  let column = 0;
  const put = (text: string) => {
    const line = (lines[row] ?? '').padEnd(column);
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
  };
  const moves: Readonly<Record<string, (count: number) => void>> = {
    A: (count) => {
      row = Math.max(0, row - count);
    },
    B: (count) => {
      row += count;
    },
    G: (count) => {
      column = count - 1;
    },
    K: (which) => {
      lines[row] = which === 2 ? '' : (lines[row] ?? '').slice(0, column);
    },
    m: () => {},
    h: () => {},
    l: () => {},
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read
  for (const [piece, count, name] of output.matchAll(/\u001b\[\??(\d*)([A-Za-z])|[^\u001b]/g)) {
    if (name !== undefined) {
      const move = moves[name];
      if (move === undefined) throw new Error(`unknown sequence ${JSON.stringify(piece)}`);
      move(name === 'K' ? Number(count) : Number(count === '' ? 1 : count));
    } else if (piece === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else put(piece);
  }
  return Array.from(lines, (line = '') => line.trimEnd());
}
