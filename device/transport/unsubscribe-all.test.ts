import { expect, test } from 'vitest';
import { manualTime } from '../platform/time.ts';
import { unsubscribeAll } from './unsubscribe-all.ts';

const settle = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

test('answers are waited for, and a peer that gives none is not waited for beyond its time', async () => {
  const time = manualTime();
  const ended: string[] = [];
  let answer = () => {};
  const slow = { unsubscribe: () => new Promise<void>((resolve) => (answer = resolve)) };
  const silent = { unsubscribe: () => new Promise<void>(() => {}) };
  void unsubscribeAll([slow], time).then(() => ended.push('slow'));
  void unsubscribeAll([silent], time).then(() => ended.push('silent'));
  await settle();
  expect(ended).toEqual([]);
  answer();
  await settle();
  expect(ended).toEqual(['slow']);
  time.advance(499);
  await settle();
  expect(ended).toEqual(['slow']);
  time.advance(1);
  await settle();
  expect(ended).toEqual(['slow', 'silent']);
});
