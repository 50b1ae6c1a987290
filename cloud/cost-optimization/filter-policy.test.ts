import { describe, expect, test } from 'vitest';
import {
  type Attributes,
  anythingBut,
  between,
  compare,
  exists,
  type FilterPolicy,
  filterPolicy,
  matchesAttributes,
  matchesBody,
  prefix,
  suffix,
} from './filter-policy.ts';

describe('a filter policy on attributes', () => {
  test.each<[string, FilterPolicy, Attributes, boolean]>([
    ['the same text', { kind: ['a', 'b'] }, { kind: 'b' }, true],
    ['another text', { kind: ['a'] }, { kind: 'b' }, false],
    ['text is no number', { kind: [1] }, { kind: '1' }, false],
    ['no attribute', { kind: ['a'] }, {}, false],
    ['every key has to hold', { kind: ['a'], site: ['x'] }, { kind: 'a', site: 'y' }, false],
    ['more attributes than keys', { kind: ['a'] }, { kind: 'a', site: 'y' }, true],
    ['one of a list', { kind: ['a'] }, { kind: ['b', 'a'] }, true],
    ['prefix', { kind: [prefix('temp')] }, { kind: 'temperature' }, true],
    ['no prefix', { kind: [prefix('temp')] }, { kind: 'hot temperature' }, false],
    ['suffix', { kind: [suffix('.csv')] }, { kind: 'a.csv' }, true],
    ['without case', { kind: [{ 'equals-ignore-case': 'ABC' }] }, { kind: 'abc' }, true],
    ['anything but', { kind: [anythingBut('a', 'b')] }, { kind: 'c' }, true],
    ['what is excluded', { kind: [anythingBut('a', 'b')] }, { kind: 'a' }, false],
    ['anything but, of nothing', { kind: [anythingBut('a')] }, {}, false],
    ['anything but, one of a list is excluded', { kind: [anythingBut('a')] }, { kind: ['b', 'a'] }, false],
    ['anything but a prefix', { kind: [{ 'anything-but': { prefix: 'x' } }] }, { kind: 'xy' }, false],
    ['between, at its bound', { price: [between(0, 100)] }, { price: 100 }, true],
    ['between, outside', { price: [between(0, 100)] }, { price: 100.1 }, false],
    ['larger', { price: [compare('>', 5)] }, { price: 5 }, false],
    ['numbers of text', { price: [compare('>', 5)] }, { price: '6' }, false],
    ['there', { kind: [exists()] }, { kind: 'x' }, true],
    ['not there', { kind: [exists(false)] }, {}, true],
    ['there, but should not be', { kind: [exists(false)] }, { kind: 'x' }, false],
    ['a key of the prototype', { toString: [exists(false)] }, {}, true],
  ])('%s', (_what, policy, attributes, expected) => {
    expect(matchesAttributes(filterPolicy(policy), attributes)).toBe(expected);
  });
});

describe('a filter policy on the body', () => {
  const body = {
    device: { site: 'hall-2', tags: ['a', 'b'] },
    metrics: [{ name: 'temperature' }, { name: 'humidity' }],
    value: null,
  };
  test.each<[string, FilterPolicy, boolean]>([
    ['nested', { device: { site: ['hall-2'] } }, true],
    ['nested, another', { device: { site: ['hall-3'] } }, false],
    ['an element of a list', { device: { tags: ['b'] } }, true],
    ['an element of a list of objects', { metrics: { name: ['humidity'] } }, true],
    ['null', { value: [null] }, true],
    ['below what is not there', { nothing: { at: { all: ['x'] } } }, false],
    ['that it is not there, below what is not there', { nothing: { at: [exists(false)] } }, true],
  ])('%s', (_what, policy, expected) => {
    expect(matchesBody(filterPolicy(policy), body)).toBe(expected);
  });
});

describe('a filter policy that SNS refuses', () => {
  test.each<[string, FilterPolicy, string]>([
    ['nothing', {}, '1 to 5 keys'],
    ['six keys', { a: [1], b: [1], c: [1], d: [1], e: [1], f: [1] }, '1 to 5 keys'],
    ['too many combinations', { a: Array.from({ length: 151 }, (_, place) => place) }, 'at most 150'],
    [
      'too many of two keys',
      { a: Array.from({ length: 16 }, (_, at) => at), b: Array.from({ length: 10 }, (_, at) => at) },
      'at most 150',
    ],
    ['depth counts', { a: { b: Array.from({ length: 76 }, (_, place) => place) } }, 'at most 150'],
    ['a key without conditions', { a: [] }, 'at least one condition'],
    ['an operator that is none', { a: [{ numeric: ['~', 1] }] }, 'no condition'],
  ])('%s', (_what, policy, words) => {
    expect(() => filterPolicy(policy)).toThrow(words);
  });
});
