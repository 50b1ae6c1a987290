import { describe, expect, it } from 'vitest';
import { figuresOf } from './test-report.ts';

const file = (name: string, status: 'passed' | 'failed', ...tests: string[]) => ({
  name,
  status,
  assertionResults: tests.map((test, index) => ({ fullName: `${name} ${index}`, status: test })),
});

describe('figures of a test report', () => {
  it('counts tests by what became of them, and names those that did not run', () => {
    const figures = figuresOf({
      success: false,
      testResults: [
        file('a', 'failed', 'passed', 'failed'),
        file('b', 'passed', 'passed', 'skipped', 'pending', 'todo'),
      ],
    });
    expect(figures).toMatchObject({ passed: 2, failed: 1, skipped: 3 });
    expect(figures.skippedTests[0]).toEqual({ file: 'b', name: 'b 1' });
    expect([figures.passedIn(/^b$/), figures.passedIn(/^c$/)]).toEqual([1, 0]);
  });

  it('counts a file that could not be loaded as a failure', () => {
    expect(
      figuresOf({ success: false, testResults: [file('a', 'failed'), file('b', 'passed', 'passed')] }).failed,
    ).toBe(1);
  });

  it('counts a run that failed for no reason of a test as a failure', () => {
    expect(figuresOf({ success: false, testResults: [file('b', 'passed', 'passed')] }).failed).toBe(1);
  });

  it('refuses what is no report', () => {
    expect(() => figuresOf({})).toThrow();
  });
});
