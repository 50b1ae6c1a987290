import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What vitest's JSON reporter writes, as far as it is counted here. */
const report = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string().describe('Path of the file.'),
      status: z.enum(['passed', 'failed']),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
        }),
      ),
    }),
  ),
});

export interface TestFigures {
  passed: number;
  failed: number;
  skipped: number;
  /** File and full name of each test that did not run. */
  skippedTests: { file: string; name: string }[];
  /** How many tests of a file passed. */
  passedIn(file: RegExp): number;
}

/**
 * Figures of a report. A file that failed without a failed test (it could not be loaded) is one failure, and so is a run
 * that failed for no reason of a test (an unhandled error).
 */
export function figuresOf(json: unknown): TestFigures {
  const { success, testResults } = report.parse(json);
  const tests = testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ fullName: name, status }) => ({ file, name, status })),
  );
  const count = (status: string) => tests.filter((test) => test.status === status).length;
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = count('failed') + brokenFiles;
  const skippedTests = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  return {
    passed: count('passed'),
    failed: failed === 0 && !success ? 1 : failed,
    skipped: skippedTests.length,
    skippedTests: skippedTests.map(({ file, name }) => ({ file, name })),
    passedIn: (pattern) => tests.filter(({ file, status }) => status === 'passed' && pattern.test(file)).length,
  };
}

/** The figures of a report on disk; undefined where the run ended before it wrote one. */
export function readFigures(file: string): TestFigures | undefined {
  try {
    return figuresOf(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    console.error(`no test report in ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
