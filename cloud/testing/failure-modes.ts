/** What each room has to have thought about. */
export const failureModes = [
  'poison',
  'duplicate',
  'reorder',
  'throttle',
  'partial failure',
  'expired URL',
  'bad schema',
] as const;

/**
 * Compares the table `## Failure modes` of a README (`| failure | what happens | proof |`) with the room's tests, both
 * ways. The proof is `cannot occur: <why>`, or the names of tests in backquotes; such a test ends with its failure in
 * brackets: `a record that is no reading is parked (poison)`.
 * @returns what is wrong, a sentence each; empty where nothing is.
 */
export function failureModeFindings(readme: string, testSources: readonly string[]): string[] {
  const rows = rowsOf(readme);
  const tests = taggedTests(testSources);
  return failureModes.flatMap((mode) => {
    const found = rows.filter(([failure]) => failure === mode);
    const [row] = found;
    const tagged = tests.filter((name) => name.endsWith(`(${mode})`));
    if (row === undefined || found.length > 1) {
      return [`${found.length} rows of "Failure modes" speak of ${mode}; write one.`];
    }
    const proof = row[2] ?? '';
    const named = [...proof.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    if (/^cannot occur: \S.{10,}/.test(proof)) {
      return tagged.map((name) => `${mode} cannot occur, says the table, but "${name}" tests it.`);
    }
    if (named.length === 0) return [`The row of ${mode} names no test and does not say why it cannot occur.`];
    return [
      ...named
        .filter((name) => !tagged.includes(name))
        .map((name) => `No test of the room ends with (${mode}) and is called "${name}".`),
      ...tagged.filter((name) => !named.includes(name)).map((name) => `"${name}" is not in the row of ${mode}.`),
    ];
  });
}

function rowsOf(readme: string): string[][] {
  const section = readme.split(/^## Failure modes$/m)[1]?.split(/^## /m)[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** Names in string literals that end with a failure in brackets. */
function taggedTests(sources: readonly string[]): string[] {
  const literal = new RegExp(`(['"\`])((?:(?!\\1).)*\\((?:${failureModes.join('|')})\\))\\1`, 'g');
  return sources.flatMap((source) => [...source.matchAll(literal)].map(([, , name = '']) => name));
}
