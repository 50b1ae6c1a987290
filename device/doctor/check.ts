import { messageOf } from '../platform/errors.ts';
import { sleep, type Time } from '../platform/time.ts';

/** `skip`: there is nothing to check here, or what it needs is missing. */
export type CheckResult = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  result: CheckResult;
  /** What was found, in a clause or sentence. Never holds a secret. */
  found: string;
  /** What to do, as a command where there is one; with every `fail`. */
  todo?: string;
}

export interface Check {
  name: string;
  topic: string;
  /** Names of checks before this one without which it makes no sense: where one fails this one is skipped. */
  needs?: readonly string[];
  /** Bound of this check, ms, where it is not the usual one. */
  limitMs?: number;
  run(): Promise<Finding> | Finding;
}

export interface CheckReport extends Finding {
  name: string;
  topic: string;
}

export const ok = (found: string): Finding => ({ result: 'ok', found });
export const skip = (found: string): Finding => ({ result: 'skip', found });
export const warn = (found: string, todo: string): Finding => ({ result: 'warn', found, todo });
export const fail = (found: string, todo: string): Finding => ({ result: 'fail', found, todo });

interface Ended {
  report: CheckReport;
  /** The check that failed, this one or one that it needs; undefined where what needs this one may go on. */
  obstacle: string | undefined;
}

/** Runs all checks beside each other, each bounded in time, and reports in their order. Never throws. */
export async function runChecks(
  checks: readonly Check[],
  { time, limitMs }: { time: Time; limitMs: number },
): Promise<CheckReport[]> {
  const running = new Map<string, Promise<Ended>>();
  for (const check of checks) {
    const needed = (check.needs ?? []).map((name) => running.get(name) ?? unknownNeed(check.name, name));
    running.set(check.name, runOne(check, needed, time, check.limitMs ?? limitMs));
  }
  return (await Promise.all(running.values())).map(({ report }) => report);
}

async function runOne(check: Check, needed: readonly Promise<Ended>[], time: Time, limitMs: number): Promise<Ended> {
  const { name, topic } = check;
  const obstacle = (await Promise.all(needed)).find((ended) => ended.obstacle !== undefined)?.obstacle;
  if (obstacle !== undefined) return { report: { name, topic, ...skip(`not checked: needs ${obstacle}`) }, obstacle };
  const finding = await bounded(check, time, limitMs);
  return { report: { name, topic, ...finding }, obstacle: finding.result === 'fail' ? name : undefined };
}

async function bounded(check: Check, time: Time, limitMs: number): Promise<Finding> {
  const limit = new AbortController();
  const late = sleep(time, limitMs, limit.signal).then(() =>
    fail(`no end within ${limitMs / 1_000} s`, 'Run it again; if it stays so, the thing checked hangs.'),
  );
  const finding = await Promise.race([(async () => check.run())().catch(broken), late]);
  limit.abort();
  return finding;
}

/** A check that throws is a defect of its own; the others still tell what they found. */
function broken(error: unknown): Finding {
  return fail(`the check itself failed: ${messageOf(error)}`, 'Report this as a defect of the doctor.');
}

function unknownNeed(name: string, need: string): never {
  throw new Error(`check ${name} needs ${need}, which is not before it`);
}
