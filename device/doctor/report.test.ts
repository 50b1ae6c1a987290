import { expect, test } from 'vitest';
import type { CheckReport } from './check.ts';
import { renderReport, reportJson } from './report.ts';

const reports: CheckReport[] = [
  { topic: 'Machine', name: '64-bit', result: 'ok', found: 'arm64' },
  { topic: 'Machine', name: 'clock', result: 'warn', found: 'not synchronised (chrony)', todo: 'timedatectl status' },
  { topic: 'ServiceNow', name: 'secret', result: 'fail', found: 'There is no file x.json.', todo: 'Make it.' },
  { topic: 'ServiceNow', name: 'login', result: 'skip', found: 'not checked: needs secret' },
];

test('a person reads it by topic, with what to do under what was found', () => {
  expect(renderReport(reports, { colour: false, width: undefined })).toBe(`
Machine
  ✓ 64-bit  arm64
  ! clock   not synchronised (chrony)
            → timedatectl status

ServiceNow
  ✗ secret  There is no file x.json.
            → Make it.
  · login   not checked: needs secret

Not ready: 1 ok, 1 to look at, 1 failed, 1 not checked.
`);
});

test('many checks skipped for one reason are one line', () => {
  const skipped = ['login', 'incidents', 'caller'].map(
    (name): CheckReport => ({ topic: 'ServiceNow', name, result: 'skip', found: 'not checked: needs secret' }),
  );
  const other: CheckReport = { topic: 'ServiceNow', name: 'group', result: 'skip', found: 'not set' };
  const lines = (some: CheckReport[]) =>
    renderReport(some, { colour: false, width: undefined }).split('\n').slice(2, -3);
  expect(lines([...skipped, other])).toEqual([
    '  · 3 checks   not checked: needs secret (login, incidents, caller)',
    '  · group      not set',
  ]);
  expect(lines(skipped.slice(0, 2))).toHaveLength(2);
});

test.each([
  ['all is well', reports.slice(0, 1), 'Ready: 1 ok, 0 to look at, 0 failed, 0 not checked.'],
  ['there are doubts', reports.slice(0, 2), 'Ready, with doubts: 1 ok, 1 to look at, 0 failed, 0 not checked.'],
])('the last line says what it comes to: %s', (_case, some, verdict) => {
  expect(renderReport(some, { colour: false, width: undefined }).trimEnd().split('\n').at(-1)).toBe(verdict);
});

test('lines stay within the terminal; words stay whole', () => {
  const long = 'one two three four five six seven eight nine ten eleven twelve';
  const command = `/${'x'.repeat(60)}`;
  const text = renderReport([{ topic: 'T', name: 'n', result: 'fail', found: long, todo: `cat ${command} now` }], {
    colour: false,
    width: 60,
  });
  expect(text.split('\n').slice(2, 7)).toEqual([
    '  ✗ n  one two three four five six seven eight nine ten',
    '       eleven twelve',
    '       → cat',
    `       ${command}`,
    '       now',
  ]);
});

test('colours only where asked for', () => {
  const startOfColour = String.fromCharCode(27);
  expect(renderReport(reports, { colour: false, width: 80 })).not.toContain(startOfColour);
  expect(renderReport(reports, { colour: true, width: 80 })).toContain(`${startOfColour}[31m✗`);
});

test('a program reads the same as JSON', () => {
  expect(JSON.parse(reportJson(reports))).toEqual({
    ok: false,
    counts: { ok: 1, warn: 1, fail: 1, skip: 1 },
    checks: reports,
  });
  expect(JSON.parse(reportJson(reports.slice(0, 2)))).toMatchObject({ ok: true });
});

test('an example of several lines keeps its lines and its indents', () => {
  const found = `Add to accessControl:\n  service:\n    'a:b:1': ${'x'.repeat(60)}`;
  const text = renderReport([{ topic: 'T', name: 'n', result: 'fail', found, todo: 'Deploy.' }], {
    colour: false,
    width: 60,
  });
  expect(text.split('\n').slice(2, 6)).toEqual([
    '  ✗ n  Add to accessControl:',
    '         service:',
    `           'a:b:1': ${'x'.repeat(60)}`,
    '       → Deploy.',
  ]);
});
