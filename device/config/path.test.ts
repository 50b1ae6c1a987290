import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPath, quoted, readPath } from './path.ts';

describe('a path', () => {
  it('is read as it is written, whatever its names hold', () => {
    const unit = fc.constantFrom(
      'a',
      'Z',
      '0',
      '_',
      '-',
      '.',
      '[',
      ']',
      '"',
      '\\',
      '=',
      ' ',
      '\n',
      '\u0001',
      'é',
      '中',
      '<',
    );
    const name = fc.string({ minLength: 1, maxLength: 12, unit });
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (path) => {
        expect(readPath(`${formatPath(path)}=1`)).toEqual({ path, rest: '=1' });
      }),
    );
  });

  it.each([
    ['a.b.c=1', ['a', 'b', 'c'], '=1'],
    ['a["b.c"].d=1', ['a', 'b.c', 'd'], '=1'],
    ['a["say \\"x\\""]', ['a', 'say "x"'], ''],
    ['["a"].b', ['a', 'b'], ''],
    ['a[0].b', ['a'], '[0].b'],
    ['a..b', ['a'], '..b'],
    ['.a', [], '.a'],
    ['a["b', ['a'], '["b'],
    ['a["\\q"]', ['a'], '["\\q"]'],
    ['', [], ''],
  ])('%s', (text, path, rest) => {
    expect(readPath(text)).toEqual({ path, rest });
  });
});

describe('a quoted text', () => {
  it('stays one short line that moves no cursor', () => {
    expect(quoted('a\n\u001b[2J\u009b\u202eb')).toBe('"a\\n\\u001b[2J\\u009b\\u202eb"');
    expect(quoted('x'.repeat(500))).toHaveLength(63);
  });
});
