import { describe, expect, test } from 'vitest';
import type { Key } from '../anomaly/anomaly.ts';
import {
  covers,
  endedUnder,
  isSilenced,
  longestSilenceMs,
  makeSilence,
  mostSilences,
  type Silence,
  type SilenceRequest,
} from './silence.ts';

const key: Key = { site: 'home', deviceId: 'pi', metric: 'temperature', rule: 'upper' };
const all: Silence = {
  id: '00000001',
  site: null,
  deviceId: null,
  metric: null,
  rule: null,
  author: 'Ann',
  reason: 'filter change',
  startsAtMs: 1_000,
  endsAtMs: 2_000,
};

describe('a silence covers', () => {
  test.each<[string, Partial<Silence>, Partial<Key>, boolean]>([
    ['everything where nothing is named', {}, {}, true],
    ['everything: a whole sensor, too', {}, { metric: '*', rule: 'no-data' }, true],
    ['everything: a storm, too', {}, { deviceId: '*', metric: '*', rule: 'storm' }, true],
    ['the site that it names', { site: 'home' }, {}, true],
    ['no other site', { site: 'attic' }, {}, false],
    ['the device that it names', { deviceId: 'pi' }, { metric: '*', rule: 'device-silent' }, true],
    ['no other device', { deviceId: 'pi' }, { deviceId: 'pi2' }, false],
    ['no storm where it names a device', { deviceId: 'pi' }, { deviceId: '*', metric: '*', rule: 'storm' }, false],
    ['the metric that it names, by any rule', { metric: 'temperature' }, { rule: 'stuck' }, true],
    ['no other metric', { metric: 'temperature' }, { metric: 'humidity' }, false],
    ['no silent sensor where it names a metric', { metric: 'temperature' }, { metric: '*', rule: 'no-data' }, false],
    ['the rule that it names', { rule: 'upper' }, { metric: 'humidity' }, true],
    ['no other rule', { rule: 'upper' }, { rule: 'lower' }, false],
    ['only what has all the parts that it names', { metric: 'temperature', rule: 'lower' }, {}, false],
  ])('%s', (_name, silence, change, expected) => {
    expect(covers({ ...all, ...silence }, { ...key, ...change })).toBe(expected);
  });

  test.each([
    [999, true],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ])('now, at %i of 1000 to 2000: %s', (nowMs, expected) => {
    expect(isSilenced([all], key, nowMs)).toBe(expected);
    expect(isSilenced([{ ...all, rule: 'lower' }], key, nowMs)).toBe(false);
  });

  test.each([
    [999, false],
    [1_000, true],
    [1_999, true],
    [2_000, false],
  ])('what ended at %i of 1000 to 2000: %s', (endedAtMs, expected) => {
    expect(endedUnder([all], key, endedAtMs)).toBe(expected);
    expect(endedUnder([{ ...all, rule: 'lower' }], key, endedAtMs)).toBe(false);
  });
});

describe('a silence that is asked for', () => {
  const request: SilenceRequest = { author: ' Ann ', reason: 'filter change', untilMs: 61_000 };
  const now = { id: '00000001', nowMs: 1_000, count: 0 };

  test('begins now, and what is left out stands for all', () => {
    expect(makeSilence({ ...request, metric: 'temperature' }, now)).toEqual({
      ok: true,
      silence: { ...all, metric: 'temperature', endsAtMs: 61_000 },
    });
    expect(makeSilence({ ...request, untilMs: 1_000 + longestSilenceMs }, now).ok).toBe(true);
    expect(makeSilence({ ...request, author: 'x'.repeat(100), reason: 'x'.repeat(500) }, now).ok).toBe(true);
    expect(makeSilence(request, { ...now, count: mostSilences - 1 }).ok).toBe(true);
  });

  test.each<[string, Partial<SilenceRequest>, number, RegExp]>([
    ['no author', { author: ' ' }, 0, /^author: say who sets it$/],
    ['a long author', { author: 'x'.repeat(101) }, 0, /^author: at most 100/],
    ['no reason', { reason: '' }, 0, /^reason: say why$/],
    ['a long reason', { reason: 'x'.repeat(501) }, 0, /^reason: at most 500/],
    ['a reason of two lines', { reason: 'a\nb' }, 0, /^reason: control characters/],
    ['an empty device', { deviceId: '' }, 0, /^deviceId: /],
    ['a rule that is none', { rule: 'uper' }, 0, /^rule: not a rule; rules are upper, lower/],
    ['an end that is no number', { untilMs: Number.NaN }, 0, /^untilMs: /],
    ['an end without bound', { untilMs: Number.POSITIVE_INFINITY }, 0, /^untilMs: /],
    ['an end that has passed', { untilMs: 1_000 }, 0, /passed already/],
    ['an end that is too far', { untilMs: 1_001 + longestSilenceMs }, 0, /longer than 31 days/],
    ['one more than are held', {}, mostSilences, /there are 1000 already/],
  ])('is refused in a sentence: %s', (_name, change, count, sentence) => {
    expect(makeSilence({ ...request, ...change }, { ...now, count })).toEqual({
      ok: false,
      reason: expect.stringMatching(sentence),
    });
  });
});
