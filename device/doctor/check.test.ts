import { expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import { type Check, type Finding, fail, ok, runChecks, skip, warn } from './check.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const check = (name: string, finding: Finding, needs: string[] = []): Check => ({
  name,
  topic: 'T',
  needs,
  run: () => finding,
});
const run = (checks: Check[], time = manualTime()) => runChecks(checks, { time, limitMs: 1_000 });

test('reports in the order of the checks, whichever ends first', async () => {
  const gate = { open: () => {} };
  const slow: Check = {
    name: 'slow',
    topic: 'T',
    run: () =>
      new Promise((resolve) => {
        gate.open = () => resolve(ok('at last'));
      }),
  };
  const reports = run([slow, check('quick', ok('at once'))]);
  await settle();
  gate.open();
  expect(await reports).toEqual([
    { name: 'slow', topic: 'T', result: 'ok', found: 'at last' },
    { name: 'quick', topic: 'T', result: 'ok', found: 'at once' },
  ]);
});

test.each([
  ['ok', ok('fine'), 'ok'],
  ['a doubt', warn('hm', 'look'), 'ok'],
  ['nothing to check', skip('none'), 'ok'],
  ['a failure', fail('broken', 'mend it'), 'skip'],
])('what needs a check that ends with %s', async (_case, first, expected) => {
  const [, second] = await run([check('first', first), check('second', ok('fine'), ['first'])]);
  expect(second?.result).toBe(expected);
});

test('what is skipped names the check that failed, not the one between', async () => {
  const reports = await run([
    check('secret', fail('none', 'make one')),
    check('login', ok(''), ['secret']),
    check('group', ok(''), ['login']),
  ]);
  expect(reports.map(({ found }) => found)).toEqual(['none', 'not checked: needs secret', 'not checked: needs secret']);
});

test('a check that does not end fails at its limit, and its own limit counts', async () => {
  const time = manualTime();
  const hanging = { topic: 'T', run: () => new Promise<never>(() => {}) };
  const reports = run(
    [
      { ...hanging, name: 'usual' },
      { ...hanging, name: 'longer', limitMs: 5_000 },
    ],
    time,
  );
  await settle();
  time.advance(1_000);
  await settle();
  expect(time.nextTimerAt()).toBe(5_000);
  time.advance(4_000);
  expect((await reports).map(({ result, found }) => `${result}: ${found}`)).toEqual([
    'fail: no end within 1 s',
    'fail: no end within 5 s',
  ]);
});

test('a check that throws is told and stops no other', async () => {
  const reports = await run([
    {
      name: 'bad',
      topic: 'T',
      run: () => {
        throw new Error('oops');
      },
    },
    check('good', ok('fine')),
  ]);
  expect(reports).toMatchObject([
    { result: 'fail', found: 'the check itself failed: oops' },
    { result: 'ok', found: 'fine' },
  ]);
});

test('leaves no timer behind', async () => {
  const time = manualTime();
  await run([check('one', ok('fine'))], time);
  expect(time.nextTimerAt()).toBeUndefined();
});
