import { describe, expect, test } from 'vitest';
import { dateTimeText, durationText, parseInstanceTime, utcText } from './time-text.ts';

describe('times as a page writes them', () => {
  test.each([
    [-5, '0 s'],
    [999, '0 s'],
    [59_000, '59 s'],
    [60_000, '1 min'],
    [250_000, '4 min 10 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [2 * 86_400_000 + 3 * 3_600_000 + 59_000, '2 d 3 h'],
  ])('%i ms last %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test('an instant is written in the reader’s time zone, and in UTC without milliseconds', () => {
    const at = new Date(2026, 2, 1, 10, 1, 5).getTime();
    expect(dateTimeText(at)).toBe('2026-03-01 10:01:05');
    expect(utcText(Date.UTC(2026, 2, 1, 10, 1, 5, 250))).toBe('2026-03-01T10:01:05Z');
  });

  test('an instance’s time is UTC, and anything else is none', () => {
    expect(parseInstanceTime('2026-03-01 10:01:05')).toBe(Date.UTC(2026, 2, 1, 10, 1, 5));
    expect(['', '2026-03-01', '2026-13-01 10:01:05'].map(parseInstanceTime)).toEqual([undefined, undefined, undefined]);
  });
});
