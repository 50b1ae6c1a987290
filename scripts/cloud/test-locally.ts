import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gaps } from '../../cloud/gaps.ts';
import { rooms as allRooms } from '../../cloud/rooms.ts';
import { accountVariables } from '../../cloud/testing/account.ts';
import { chooseRooms } from './assembly.ts';
import { enterRun, type Run, startAndDeploy, synthesiseProd } from './local-run.ts';
import { problemsOf, reportOf, tableOf } from './report.ts';
import { runTests } from './run-tests.ts';

export interface TestOptions {
  /** Parts of paths of test files. */
  files: readonly string[];
  /** Rooms by name. */
  room: readonly string[];
  /** Regular expression of test names. */
  testName?: string;
  /** Folder that gets the logs of account and deployment. */
  logs?: string;
  /** File that gets vitest's JSON report. */
  results?: string;
}

const reportFile = resolve('cloud/test-report.json');
/** Of a whole run, without the installation. */
const runLimitMs = 8 * 60_000;

/** Inside: the account, the rooms, their tests, the report. Answers the exit code. */
export async function testLocally(options: TestOptions): Promise<0 | 1> {
  const { run, signal } = enterRun();
  const limit = setTimeout(() => {
    console.error(`The run took longer than ${runLimitMs / 60_000} minutes.`);
    keepLogs(run, options.logs);
    process.exit(1);
  }, runLimitMs);
  try {
    return await deployAndTest(run, options, signal);
  } finally {
    keepLogs(run, options.logs);
    clearTimeout(limit);
  }
}

async function deployAndTest(run: Run, options: TestOptions, signal: AbortSignal): Promise<0 | 1> {
  const { files, room, testName } = options;
  const chosen = files.length === 0 || room.length > 0 ? chooseRooms(room) : allRooms.filter(isNamedBy(files));
  const synthesis = synthesiseProd(run, chosen);
  const { account, rooms, assembly, outputsFile } = await startAndDeploy(run, chosen, signal);
  const prod = await synthesis;
  const filters = files.length > 0 ? files : filtersOf(room);
  const { runtimeEmulator, node24 } = run.tools;
  const tools = { [accountVariables.runtimeEmulator]: runtimeEmulator, [accountVariables.node24]: node24 };
  const { ok, results } = await runTests({
    ...{ filters, name: testName, env: { ...account.env, ...tools }, outputsFile, folder: run.folder },
    assemblies: { local: assembly, ...(prod === undefined ? {} : { prod }) },
  }).ended;
  if (options.results !== undefined) writeFileSync(options.results, JSON.stringify(results ?? null));

  const isFiltered = files.length > 0 || testName !== undefined;
  const names = rooms.map(({ name }) => name);
  const report = reportOf({ rooms: names, results, gaps, peers: peers() });
  // Chosen tests of a room leave columns empty, so they are judged by themselves.
  const problems = isFiltered ? [] : problemsOf(report);
  if (!isFiltered && names.length > 0) console.log(`\n${tableOf(report)}`);
  for (const problem of problems) console.error(problem);
  if (!isFiltered && room.length === 0) writeWhole(reportFile, `${JSON.stringify(report, undefined, 2)}\n`);
  return ok && problems.length === 0 ? 0 : 1;
}

/** Everything of the rooms, none meaning all; and the probes of their gaps, without which a gap is a failure. */
export function filtersOf(rooms: readonly string[]): string[] {
  const hasGaps = gaps.some(({ room }) => rooms.includes(room));
  return [...rooms.map((name) => `cloud/${name}/`), ...(hasGaps ? ['cloud/testing/gaps.cloud.test.ts'] : [])];
}

/** `cloud/stream-ingestion/park` wants the room deployed that it lies in. */
function isNamedBy(files: readonly string[]): (room: { name: string }) => boolean {
  return ({ name }) => files.some((file) => resolve(file).startsWith(resolve('cloud', name)));
}

/** Another run may read it, or write it, at the same time. */
function writeWhole(file: string, text: string): void {
  const aside = `${file}.${process.ppid}-${Date.now()}`;
  writeFileSync(aside, text);
  renameSync(aside, file);
}

/** Versions of what the report names as peers. */
function peers(): { templates: string; account: string } {
  const cdk = /"version": "([^"]+)"/.exec(readFileSync('node_modules/aws-cdk-lib/package.json', 'utf8'))?.[1];
  const ministack = /ministack\[full\]==(\S+)/.exec(readFileSync('scripts/cloud/requirements.in', 'utf8'))?.[1];
  return { templates: `cdk ${cdk}`, account: `ministack ${ministack}` };
}

function keepLogs({ folder }: Run, logs: string | undefined): void {
  if (logs === undefined) return;
  const isLog = (path: string) => path === folder || path.endsWith('.log');
  cpSync(folder, resolve(logs), { recursive: true, filter: isLog });
  console.log(`logs: ${join(logs, '*.log')}`);
}
