import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterProblem, topicMatcher, topicProblem } from './topic-filter.ts';

describe('topic filter', () => {
  test.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/b', 'A/b', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['+/+', '/finance', true],
    ['+', '/finance', false],
    ['/+', '/finance', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['#', 'a/b', true],
    ['#', '$SYS/uptime', false],
    ['+/uptime', '$SYS/uptime', false],
    ['$SYS/#', '$SYS/uptime', true],
    ['a/+/c/#', 'a/b/c', true],
    ['IoTBlog/status/+', 'IoTBlog/status/handler', true],
  ])('%s matches %s: %s', (filter, topic, matches) => {
    expect(filterProblem(filter)).toBeUndefined();
    expect(topicMatcher(filter)(topic)).toBe(matches);
  });

  test.each(['', 'a/#/b', 'a#', 'a/b+', 'a\0b', '$share/group/a', 'x'.repeat(65_536)])(
    'refuses filter %#: %j',
    (filter) => {
      expect(filterProblem(filter)).toEqual(expect.any(String));
    },
  );

  test.each(['', 'a/+', '#', 'a\0b', 'ä'.repeat(32_768)])('refuses topic %#: %j', (topic) => {
    expect(topicProblem(topic)).toEqual(expect.any(String));
  });

  const level = fc.constantFrom('', 'a', 'b', 'ab', '$x', '.', 'ä');
  const topicOf = fc
    .array(level, { minLength: 1, maxLength: 5 })
    .map((levels) => levels.join('/'))
    .filter((topic) => topic !== '');

  test('a topic is matched by itself', () => {
    fc.assert(fc.property(topicOf, (topic) => topicMatcher(topic)(topic)));
  });

  test('agrees with a regular expression made from the filter', () => {
    const filters = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
      .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
      .filter((filter) => filter !== '');
    fc.assert(
      fc.property(filters, topicOf, (filter, topic) => topicMatcher(filter)(topic) === byExpression(filter, topic)),
      { numRuns: 2_000 },
    );
  });
});

/** The same rules told a second time, as a regular expression. */
function byExpression(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false;
  if (filter === '#') return true;
  const open = filter.endsWith('/#');
  const body = (open ? filter.slice(0, -2) : filter).replace(/[.$]/g, '\\$&').replace(/(^|\/)\+(?=\/|$)/g, '$1[^/]*');
  return new RegExp(`^${body}${open ? '(/.*)?' : ''}$`, 's').test(topic);
}
