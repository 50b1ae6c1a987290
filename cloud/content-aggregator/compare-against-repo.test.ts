import { expect, test } from 'vitest';
import { compareAgainstRepo } from './compare-against-repo.ts';

const known = new Set(['vendor.example/a', 'vendor.example/b?id=1']);

test.each([
  [['https://feeds.example/1', 'https://vendor.example/a'], 1],
  [['http://vendor.example/a/?utm_source=rss', 'https://vendor.example/canonical'], 1],
  [['https://vendor.example/b?id=2', 'https://vendor.example/c'], 0],
  [[], 0],
])('of %j the content file has %i', (addresses, exist) => {
  expect(compareAgainstRepo(addresses, known)).toEqual({ exist });
});
