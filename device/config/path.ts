/** Names from the root of the configuration to a field: `['thresholds', 'temperature', 'upper']`; a number is a place in a list. */
export type Path = readonly (string | number)[];

const bareName = String.raw`[^.[\]"=\s]+`;
const quotedName = String.raw`\["(?:[^"\\]|\\.)*"\]`;
const firstName = new RegExp(`(${bareName})|(${quotedName})`, 'y');
const nextName = new RegExp(String.raw`\.(${bareName})|(${quotedName})`, 'y');
const onlyBareName = new RegExp(`^${bareName}$`);

/**
 * Reads a path from the start of `text`: names with dots between them, or `["…"]` for a name that holds a dot or the
 * like, as in `serviceNow.fields["u.floor"]`. `rest` is what follows it.
 */
export function readPath(text: string): { path: string[]; rest: string } {
  const path: string[] = [];
  let at = 0;
  for (let pattern = firstName; ; pattern = nextName) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const name = match === null ? undefined : (match[1] ?? unquoted(match[2]));
    if (name === undefined) return { path, rest: text.slice(at) };
    path.push(name);
    at = pattern.lastIndex;
  }
}

/** A path as `readPath` takes it; names from outside are cut so that a sentence stays one. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, name) => {
    if (typeof name === 'number') return `${text}[${name}]`;
    if (!onlyBareName.test(name) || name.length > longestShown) return `${text}[${quoted(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

const longestShown = 60;

/** A text in quotes for a sentence: on one line, cut, and without characters that move a terminal's cursor. */
export function quoted(text: string): string {
  const cut = text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
  return JSON.stringify(cut).replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function unquoted(bracketed: string | undefined): string | undefined {
  if (bracketed === undefined) return undefined;
  try {
    const name: unknown = JSON.parse(bracketed.slice(1, -1));
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
