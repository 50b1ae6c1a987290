import { expect, test } from 'vitest';
import { paginationLinks } from './pagination.ts';

const relations = (page: { limit: number; offset: number; total: number }) =>
  Object.fromEntries(
    [
      ...paginationLinks(new URL('http://h/api/now/table/incident?sysparm_query=a%5Eb'), page).matchAll(
        /<([^>]+)>;rel="(\w+)"/g,
      ),
    ].map(([, url, rel]) => [rel, new URL(url ?? '').searchParams.get('sysparm_offset')]),
  );

test.each([
  ['the first of three pages', { limit: 10, offset: 0, total: 25 }, { first: '0', next: '10', last: '20' }],
  ['the second of three', { limit: 10, offset: 10, total: 25 }, { first: '0', prev: '0', next: '20', last: '20' }],
  ['the last of three', { limit: 10, offset: 20, total: 25 }, { first: '0', prev: '10', last: '20' }],
  ['a full last page', { limit: 10, offset: 10, total: 20 }, { first: '0', prev: '0', last: '10' }],
  ['an empty list', { limit: 10, offset: 0, total: 0 }, { first: '0', last: '0' }],
  ['no rows at all', { limit: 0, offset: 0, total: 5 }, {}],
])('%s is linked', (_case, page, expected) => {
  expect(relations(page)).toEqual(expected);
});

test('the other parameters of the request stay in the links', () => {
  const links = paginationLinks(new URL('http://h/p?sysparm_query=a%5Eb&x=1'), { limit: 5, offset: 0, total: 1 });
  expect(links).toContain('<http://h/p?sysparm_query=a%5Eb&x=1&sysparm_limit=5&sysparm_offset=0>;rel="first"');
});
