import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultList, pageSizes, pathOf, type Route, routeOf } from './route.ts';

const at = (path: string) => routeOf(new URL(path, 'http://localhost'));

describe('addresses of the page', () => {
  test('a route comes back from its address', () => {
    const list = fc.record({
      query: fc.string({ unit: 'grapheme' }),
      search: fc.string({ unit: 'grapheme' }),
      page: fc.nat(10_000),
      pageSize: fc.constantFrom(...pageSizes),
    });
    const route = fc.oneof(
      list.map((view): Route => ({ page: 'list', list: view })),
      fc.stringMatching(/^[A-Za-z0-9]{1,40}$/).map((name): Route => ({ page: 'incident', name })),
    );
    fc.assert(
      fc.property(route, (one) => {
        expect(at(pathOf(one))).toEqual(one);
      }),
    );
  });

  test.each(['/', '/?page=0', '/?page=x&size=7', '/incident/a%2Fb', '/other'])(
    '%s is the list as it begins',
    (path) => {
      expect(at(path)).toEqual({ page: 'list', list: defaultList });
    },
  );
});
