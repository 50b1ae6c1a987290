import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { endAll, run } from './command.ts';
import { packageProblems, textProblems } from './house-rules.ts';
import { endLeftOvers } from './left-over.ts';
import { installNode, withNode } from './other-node.ts';
import { failureLines, readFigures, type TestFigures } from './test-report.ts';

/**
 * All checks of `.ci/run`, one after the other: each counts as one beside the tests, and none keeps the next from
 * running. A limit is far beyond what its check takes, so that a hanging one ends with a reason.
 */
const recording = resolve('../shared/data/astropi-2015-sense-hat.csv');
const testsLimitMs = 20 * 60_000;
/** Eight minutes is the promise of the run itself; the first one also installs the emulators. */
const cloudLimitMs = 12 * 60_000;
const toolLimitMs = 3 * 60_000;
/** Releases that must be as good as the one that runs this. Tests of sockets, disk and
 * templates and the long ones are left to it. */
const otherReleases = [22, 24].filter((major) => major !== Number(process.versions.node.split('.')[0]));
const leftOut = ['**/*.integration.test.ts', '**/*.browser.*', 'scripts/chaos/**', 'cloud/*/stack.test.ts'];
const quickPart = leftOut.flatMap((pattern) => ['--exclude', pattern]);

interface Outcome {
  name: string;
  seconds: number;
  /** Empty where it passed. */
  problems: readonly string[];
}

const outcomes: Outcome[] = [];
/** Of failed tests, told at the end: what they wrote themselves is far up by then. */
const failures: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-ci-'));
const environment: Record<string, string> = existsSync(recording) ? { RECORDING_CSV: recording } : {};

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}

async function check(name: string, work: () => Promise<readonly string[]> | readonly string[]): Promise<void> {
  console.log(`\n== ${name}`);
  const startedAt = performance.now();
  let problems: readonly string[];
  try {
    problems = await work();
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)];
  }
  for (const problem of problems) console.error(problem);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(`== ${name}: ${problems.length === 0 ? 'passed' : 'failed'} (${seconds} s)`);
  outcomes.push({ name, seconds, problems });
}

async function npm(args: readonly string[], limitMs: number, env: Record<string, string> = {}): Promise<string[]> {
  const end = await run({ program: 'npm', args, limitMs, env: { ...environment, ...env } });
  return end.ok ? [] : [`npm ${args.slice(0, 2).join(' ')}: ${end.how}`];
}

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });

function reporting(file: string): string[] {
  return ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
}

const treeBefore = git('status', '--porcelain');

console.log(`== tests (Node ${process.versions.node})`);
const startedAt = performance.now();
const reportFile = join(folder, 'tests.json');
const testProblems = await npm(['test', '--', ...reporting(reportFile)], testsLimitMs);
const figures: TestFigures = readFigures(reportFile) ?? {
  ...{ passed: 0, failed: 1, skipped: 0, skippedTests: [], failedTests: [] },
  passedIn: () => 0,
};
if (testProblems.length > 0 && figures.failed === 0) figures.failed = 1;
failures.push(...failureLines('tests', figures.failedTests));
for (const { file, name } of figures.skippedTests) console.log(`skipped: ${file} ${name}`);
const testsSeconds = Math.round((performance.now() - startedAt) / 1_000);

await check('the suite against a real mosquitto ran', () => {
  const skipped = figures.skippedTests.filter(({ file }) => /mosquitto/.test(file));
  if (skipped.length === 0 && figures.passedIn(/mosquitto/) > 0) return [];
  return [`${skipped.length} of its tests were skipped; is mosquitto installed?`];
});
await check('the tests of the pages ran in a real browser', () => {
  const skipped = figures.skippedTests.filter(({ file }) => /\.browser\./.test(file));
  if (skipped.length === 0 && figures.passedIn(/\.browser\./) > 0) return [];
  return [`${skipped.length} of them were skipped; is chromium installed?`];
});
if (existsSync(recording)) {
  await check('the tests on the real recording ran', () =>
    figures.skippedTests.filter(({ name }) => /recording/i.test(name)).map(({ name }) => `skipped: ${name}`),
  );
}
const cloudFigures = { passed: 0, failed: 0, skipped: 0 };
await check('the rooms on the local AWS account', async () => {
  const file = join(folder, 'cloud.json');
  const problems = await npm(['run', '-s', 'test:cloud', '--', '--results', file], cloudLimitMs);
  const told = readFigures(file);
  if (told === undefined) return [...problems, 'no test ran'];
  failures.push(...failureLines('cloud', told.failedTests));
  Object.assign(cloudFigures, { passed: told.passed, failed: told.failed, skipped: told.skipped });
  const skipped = told.skippedTests.map(({ file: at, name }) => `skipped: ${at} ${name}`);
  return [...problems, ...skipped, ...(told.passed > 0 ? [] : ['no test passed'])];
});
await check('lint', () => npm(['run', '-s', 'lint'], toolLimitMs));
await check('types', () => npm(['run', '-s', 'typecheck'], toolLimitMs));
await check('architecture', () => npm(['run', '-s', 'architecture'], toolLimitMs));
await check('nothing is unused', () => npm(['run', '-s', 'knip'], toolLimitMs));
await check('exact versions, no host in the lock file', () =>
  packageProblems(
    JSON.parse(readFileSync('package.json', 'utf8')),
    JSON.parse(readFileSync('package-lock.json', 'utf8')),
  ),
);
await check('tracked files', () =>
  git('ls-files', '-z')
    .split('\0')
    .filter((file) => file !== '' && existsSync(file))
    .flatMap((file) => textProblems(file, readFileSync(file, 'utf8'))),
);
for (const major of otherReleases) {
  await check(`quick part of the tests on Node ${major}`, async () => {
    const node = await installNode(major);
    if (node === undefined) return [`Node ${major} could not be installed from npm`];
    const version = execFileSync('node', ['--version'], {
      encoding: 'utf8',
      env: { ...process.env, ...withNode(node.bin) },
    });
    if (!version.startsWith(`v${major}.`)) return [`node is ${version.trim()} where Node ${major} was installed`];
    const file = join(folder, `node-${major}.json`);
    const problems = await npm(['test', '--', ...quickPart, ...reporting(file)], testsLimitMs, withNode(node.bin));
    const told = readFigures(file);
    failures.push(...failureLines(`Node ${major}`, told?.failedTests ?? []));
    return told !== undefined && told.passed > 0 ? problems : [...problems, 'no test passed'];
  });
}
await check('the tree is as it was', () => {
  const changed = git('status', '--porcelain');
  return changed === treeBefore ? [] : [`git status differs after the checks:\n${changed}`];
});
await check('nothing is left running', async () =>
  (await endLeftOvers()).map(({ pid, command }) => `process ${pid} was still there: ${command}`),
);
rmSync(folder, { recursive: true, force: true });

const failedChecks = outcomes.filter(({ problems }) => problems.length > 0);
const passed = figures.passed + cloudFigures.passed + outcomes.length - failedChecks.length;
const failed = figures.failed + cloudFigures.failed + failedChecks.length;
console.log('\ntime of each, s:');
for (const { name, seconds } of [{ name: 'tests', seconds: testsSeconds }, ...outcomes]) {
  console.log(`${String(seconds).padStart(5)}  ${name}`);
}
console.log(`\ntests: ${figures.passed} passed, ${figures.failed} failed, ${figures.skipped} skipped`);
console.log(`cloud: ${cloudFigures.passed} passed, ${cloudFigures.failed} failed, ${cloudFigures.skipped} skipped`);
console.log(`checks: ${outcomes.length - failedChecks.length} passed, ${failedChecks.length} failed`);
for (const { name } of failedChecks) console.log(`  failed: ${name}`);
for (const line of failures) console.log(line);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && figures.passed > 0 ? 0 : 1;
