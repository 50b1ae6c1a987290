import { writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import type { FuzzResult } from './fuzz/fuzz.ts';
import { runFuzz } from './fuzz/run-fuzz.ts';
import { targets } from './fuzz/targets.ts';
import { type ChaosOptions, parseOptions } from './options.ts';
import { reservations, runProcesses } from './processes/run-processes.ts';
import { createProgress } from './progress.ts';
import { table } from './report.ts';
import * as device from './simulated/device.ts';
import { mutants } from './simulated/mutants.ts';
import { tryMutant } from './simulated/run-mutants.ts';
import { runSchedules, type Totals } from './simulated/run-schedules.ts';
import { scheduleOf } from './simulated/schedule.ts';
import { describe, shorten } from './simulated/shorten.ts';

/** A mutant must be caught within so many schedules. */
const mostSchedules = 150;
/** A power loss cuts the last write at so many places, evenly spread from a random one. */
const mostCuts = 500;

/** `npm run chaos`. Exit codes: 0 all held, 1 something did not hold or a mutant was not caught, 2 wrong options. */
try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = await run(options);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

function run(options: ChaosOptions): Promise<0 | 1> {
  if (options.processes) return strike(options);
  if (options.fuzz !== undefined) return feed(options, options.fuzz);
  return options.mutants === undefined ? simulate(options) : breakOnPurpose(options, options.mutants);
}

async function simulate(options: ChaosOptions): Promise<0 | 1> {
  const progress = createProgress(process.stderr, Date.now);
  const begunMs = performance.now();
  const endsMs = begunMs + options.minutes * 60_000;
  const totals = await runSchedules({
    device,
    seed: options.seed,
    schedules: options.rounds,
    isOver: () => performance.now() >= endsMs,
    onProgress: ({ rounds, kills, faults, violations }) =>
      progress.show(
        `${rounds} of ${options.rounds} schedules, ${kills} kills, ${faults} faults, ${violations.length} violations`,
      ),
  });
  progress.end();
  const msEach = (performance.now() - begunMs) / Math.max(1, totals.rounds);
  print(table(['simulated world', ''], summary(options, totals, msEach)));
  await printShortened(totals);
  writeJson(options, {
    ...{ seed: options.seed, rounds: totals.rounds, kills: totals.kills, faults: totals.faults },
    schedulesWith: totals.parts,
    violations: totals.violations.flatMap(({ seed, findings }) => findings.map((finding) => ({ seed, ...finding }))),
  });
  return totals.violations.length === 0 ? 0 : 1;
}

async function strike(options: ChaosOptions): Promise<0 | 1> {
  const { seed, rounds, fault, minutes, everyByte } = options;
  const progress = createProgress(process.stderr, Date.now);
  const begunMs = performance.now();
  const endsMs = begunMs + minutes * 60_000;
  const totals = await runProcesses({
    ...{ seed, rounds, fault, mostCuts: everyByte ? Number.POSITIVE_INFINITY : mostCuts },
    isOver: () => performance.now() >= endsMs,
    onProgress: (now) =>
      progress.show(
        `${now.rounds} rounds, ${now.kills} kills, ${now.strikes} faults, ${now.breaches} breaches, ` +
          `${now.violations.length} violations`,
      ),
  });
  progress.end();
  const rows = [...totals.byFault]
    .sort()
    .map(([name, of]): [string, ...number[]] => [
      ...([name, of.rounds, of.strikes, of.kills, of.breaches, of.violations, seconds(of.ms / of.rounds)] as const),
    ]);
  const all = ['all', totals.rounds, totals.strikes, totals.kills, totals.breaches, totals.violations.length];
  const tookMs = performance.now() - begunMs;
  // Worlds are played side by side, so that a round takes less of the run than of its world.
  const heads = ['fault', 'rounds', 'strikes', 'kills', 'breaches', 'violations', 'a round, s'];
  print(table(heads, [...rows, [...all, seconds(tookMs / Math.max(1, totals.rounds))]]));
  for (const sentence of reservations) print(`\n${sentence}`);
  for (const { round, again, folder, ...violation } of totals.violations) {
    print(
      `\nseed ${violation.seed}, round ${round}, ${violation.fault} (again: npm run chaos -- ${again}); left in ${folder}`,
    );
    print(`  ${violation.invariant}: ${violation.what}`);
  }
  writeJson(options, {
    ...{ seed, rounds: totals.rounds, kills: totals.kills, faults: totals.strikes },
    byFault: Object.fromEntries(totals.byFault),
    violations: totals.violations,
  });
  return totals.rounds > 0 && totals.violations.length === 0 ? 0 : 1;
}

function summary({ seed }: ChaosOptions, totals: Totals, msEach: number): [string, string | number][] {
  return [
    ['schedules', totals.rounds],
    ['first seed', seed],
    ['breaches', totals.breaches],
    ['incidents', totals.incidents],
    ['kills', totals.kills],
    ['faults', totals.faults],
    ['ms a schedule', Math.round(msEach)],
    ...Object.entries(totals.parts).map(([part, count]): [string, number] => [`schedules with ${part}`, count]),
    ['violations', totals.violations.length],
  ];
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** The first violation with as few steps as still lead to it; the others by their seeds. */
async function printShortened({ violations }: Totals): Promise<void> {
  for (const { seed, findings } of violations) {
    print(`\nseed ${seed} (again: npm run chaos -- --simulated --seed ${seed} --rounds 1)`);
    for (const { invariant, what } of findings) print(`  ${invariant}: ${what}`);
  }
  const [first] = violations;
  const [finding] = first?.findings ?? [];
  if (first === undefined || finding === undefined) return;
  const short = await shorten(scheduleOf(first.seed), finding.invariant, device);
  print(`\nseed ${first.seed}, shortened to what still breaks "${finding.invariant}":`);
  for (const line of describe(short)) print(`  ${line}`);
}

async function breakOnPurpose(options: ChaosOptions, wanted: string): Promise<0 | 1> {
  const chosen = mutants.filter(({ name }) => name.includes(wanted));
  const progress = createProgress(process.stderr, Date.now);
  const rows: [string, string, number, string][] = [];
  for (const [index, mutant] of chosen.entries()) {
    progress.show(`mutant ${index + 1} of ${chosen.length}: ${mutant.name}`);
    const tried = await tryMutant(mutant, { device, seed: options.seed, mostSchedules });
    const how = tried.outcome === 'caught' ? tried.invariant : tried.outcome === 'stale' ? mutant.file : '';
    rows.push([mutant.name, tried.outcome, tried.outcome === 'stale' ? 0 : tried.schedules, how]);
  }
  progress.end();
  print(table(['mutant', 'outcome', 'schedules', 'by'], rows));
  const missed = rows.filter(([, outcome]) => outcome !== 'caught');
  writeJson(options, {
    ...{ seed: options.seed, mutants: chosen.length, missed: missed.length },
    outcomes: rows.map(([mutant, outcome, schedules, by]) => ({ mutant, outcome, schedules, by })),
  });
  return missed.length === 0 ? 0 : 1;
}

async function feed({ seed, inputs, ...options }: ChaosOptions, wanted: string): Promise<0 | 1> {
  const chosen = targets.filter(({ name }) => name.includes(wanted));
  const progress = createProgress(process.stderr, Date.now);
  const results: FuzzResult[] = [];
  for (const [index, { name }] of chosen.entries()) {
    const onProgress = (tried: number) =>
      progress.show(`parser ${index + 1} of ${chosen.length}, ${name}: ${tried.toLocaleString('en')} inputs`);
    onProgress(0);
    results.push(await runFuzz(name, { seed, inputs, onProgress }));
  }
  progress.end();
  const rows = results.map(({ target, inputs: tried, tookMs, slowestMs, grownBytes, violation }) => [
    ...[
      target,
      tried,
      Math.round(tookMs / 1_000),
      ((tookMs / 60) * (1_000 / Math.max(1, tried))).toFixed(1),
      Math.round(slowestMs),
      Math.round(grownBytes / 1_024),
      violation === undefined ? 'holds' : 'FAILS',
    ],
  ]);
  print(
    table(['parser', 'inputs', 'took, s', 'minutes a million', 'slowest, ms', 'heap grown, KiB', 'stands it'], rows),
  );
  for (const { target, violation } of results) if (violation !== undefined) print(`\n${target}: ${violation}`);
  const failed = results.filter(({ violation }) => violation !== undefined);
  writeJson({ ...options, seed, inputs }, { seed, parsers: results, violations: failed.length });
  return chosen.length > 0 && failed.length === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function writeJson({ json }: ChaosOptions, result: unknown): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, undefined, 2)}\n`);
}
