import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

/** What vitest's JSON reporter writes, as far as it is counted here. */
const report = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string().describe('Path of the file.'),
      status: z.enum(['passed', 'failed']),
      message: z.string().default('').describe('Of the error that kept the file from being loaded.'),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
          failureMessages: z.array(z.string()).default([]).describe('Errors with their stacks.'),
        }),
      ),
    }),
  ),
});

export interface FailedTest {
  /** Below the current folder. */
  file: string;
  /** Full name; empty where the file could not be loaded. */
  name: string;
  /** First line of its first error. */
  error: string;
}

export interface TestFigures {
  passed: number;
  failed: number;
  skipped: number;
  /** File and full name of each test that did not run. */
  skippedTests: { file: string; name: string }[];
  failedTests: FailedTest[];
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
    assertionResults.map(({ fullName: name, status, failureMessages }) => ({ file, name, status, failureMessages })),
  );
  const failedTests = [
    ...tests
      .filter(({ status }) => status === 'failed')
      .map(({ file, name, failureMessages }) => failedTest(file, name, failureMessages[0])),
    ...testResults
      .filter(
        ({ status, assertionResults }) =>
          status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
      )
      .map(({ name: file, message }) => failedTest(file, '', message)),
  ];
  const skippedTests = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failedTests.length === 0 && !success ? 1 : failedTests.length,
    skipped: skippedTests.length,
    skippedTests: skippedTests.map(({ file, name }) => ({ file, name })),
    failedTests,
    passedIn: (pattern) => tests.filter(({ file, status }) => status === 'passed' && pattern.test(file)).length,
  };
}

function failedTest(file: string, name: string, message = ''): FailedTest {
  const [error = ''] = stripVTControlCharacters(message).trim().split('\n');
  return { file: relative('', file), name, error };
}

/** For a terminal: two lines for each, what failed and why. */
export function failureLines(run: string, failed: readonly FailedTest[]): string[] {
  return failed.flatMap(({ file, name, error }) => [
    `failed in ${run}: ${file}${name === '' ? '' : ` > ${name}`}`,
    `    ${error === '' ? 'without a message' : error}`,
  ]);
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
