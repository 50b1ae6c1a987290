import { expect, test } from 'vitest';
import { failureModeFindings, failureModes } from './failure-modes.ts';

const cannot = 'cannot occur: nothing of the kind is here';
const readme = (rows: Record<string, string>) =>
  `# A room\n\n## Failure modes\n\n| failure | what happens | proof |\n|---|---|---|\n${Object.entries(rows)
    .map(([mode, proof]) => `| ${mode} | x | ${proof} |`)
    .join('\n')}\n\n## Runbook\n`;
const all = Object.fromEntries(failureModes.map((mode) => [mode, cannot]));
const source = "test('a bad record is parked (poison)', () => {});";
const proved = { ...all, poison: '`a bad record is parked (poison)`' };

test('a table whose rows name each test, or say why there is none, is right', () => {
  expect(failureModeFindings(readme(proved), [source])).toEqual([]);
});

test.each([
  ['a row is missing', { 'bad schema': cannot }, [], /rows of "Failure modes" speak of poison/],
  [
    'a test that it names is not there',
    proved,
    [],
    /No test of the room .* is called "a bad record is parked \(poison\)"/,
  ],
  ['a test is not named', proved, [source, "it('another one (poison)')"], /"another one \(poison\)" is not in the row/],
  ['a test shows what cannot occur', all, [source], /poison cannot occur, says the table, but/],
  ['a row gives no reason', { ...all, poison: 'cannot occur: no' }, [], /does not say why it cannot occur/],
])('it is wrong where %s', (_what, rows, sources, finding) => {
  expect(failureModeFindings(readme(rows), sources).join('\n')).toMatch(finding);
});
