import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureLines, figuresOf } from './test-report.ts';

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

  it('names what failed, each with the first line of its first error', () => {
    const { failedTests } = figuresOf({
      success: false,
      testResults: [
        {
          ...file(resolve('cloud/a.test.ts'), 'failed'),
          assertionResults: [
            { fullName: 'good', status: 'passed', failureMessages: [] },
            {
              fullName: 'bad',
              status: 'failed',
              failureMessages: ['\u001b[31mError: 2 is not 3\u001b[39m\n    at a.ts:1', 'b'],
            },
            { fullName: 'mute', status: 'failed' },
          ],
        },
        { ...file(resolve('cloud/b.test.ts'), 'failed'), message: 'Cannot find module' },
      ],
    });
    expect(failureLines('cloud', failedTests)).toEqual([
      'failed in cloud: cloud/a.test.ts > bad',
      '    Error: 2 is not 3',
      'failed in cloud: cloud/a.test.ts > mute',
      '    without a message',
      'failed in cloud: cloud/b.test.ts',
      '    Cannot find module',
    ]);
  });

  it('refuses what is no report', () => {
    expect(() => figuresOf({})).toThrow();
  });
});
