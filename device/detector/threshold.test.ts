import { describe, expect, test } from 'vitest';
import { threshold } from './threshold.ts';

const at = { atMs: 1_000, monotonicMs: 5 };

describe('threshold', () => {
  test.each([
    ['upper', 30.01, 'breaching'],
    ['upper', 30, 'holding'],
    ['upper', 29.51, 'holding'],
    ['upper', 29.5, 'clear'],
    ['upper', -40, 'clear'],
    ['lower', 29.99, 'breaching'],
    ['lower', 30, 'holding'],
    ['lower', 30.49, 'holding'],
    ['lower', 30.5, 'clear'],
  ] as const)('%s 30 with deadband 0.5: %d is %s', (rule, value, kind) => {
    expect(threshold({ rule, limit: 30, deadband: 0.5 }, { ...at, value })).toMatchObject({ kind, value });
  });

  test.each([
    ['upper', 30.1, 'breaching'],
    ['upper', 30, 'clear'],
    ['lower', 29.9, 'breaching'],
    ['lower', 30, 'clear'],
  ] as const)('%s 30 without a deadband: %d is %s, and nothing lies between', (rule, value, kind) => {
    expect(threshold({ rule, limit: 30, deadband: 0 }, { ...at, value }).kind).toBe(kind);
  });

  test('of two breaches the one further out reaches further, on either side', () => {
    const reach = (rule: 'upper' | 'lower', value: number) => {
      const verdict = threshold({ rule, limit: 0, deadband: 0 }, { ...at, value });
      return verdict.kind === 'breaching' ? verdict.reach : Number.NaN;
    };
    expect(reach('upper', 3)).toBeGreaterThan(reach('upper', 2));
    expect(reach('lower', -3)).toBeGreaterThan(reach('lower', -2));
  });
});
