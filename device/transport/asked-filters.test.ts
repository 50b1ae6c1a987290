import { expect, test } from 'vitest';
import { createAskedFilters } from './asked-filters.ts';

test('each filter is asked for once, so many at a time, and again after it was given back', async () => {
  const asked: string[][] = [];
  const filters = createAskedFilters(async (some) => void asked.push(some), 2);
  await filters.add(['a', 'b', 'c']);
  await filters.add(['c', 'd']);
  expect(asked).toEqual([['a', 'b'], ['c'], ['d']]);
  expect([filters.delete('a'), filters.delete('a')]).toEqual([true, false]);
  await filters.add(['a']);
  expect(asked.at(-1)).toEqual(['a']);
});

test('whoever asks for what is under way waits for the same answer', async () => {
  let answer = () => {};
  const filters = createAskedFilters(() => new Promise((resolve) => (answer = resolve)), 8);
  let told = 0;
  const both = ['a', 'a'].map(async (filter) => {
    await filters.add([filter]);
    told += 1;
  });
  await Promise.resolve();
  expect(told).toBe(0);
  answer();
  await Promise.all(both);
  expect(told).toBe(2);
});
