import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { createProgress, type Progress } from '../chaos/progress.ts';
import { table } from '../chaos/report.ts';
import { installNodeRed, installPython } from './edge/install.ts';
import { buildPrograms } from './edge/programs.ts';
import { type Finding, runRounds } from './edge/rounds.ts';
import type { Figure } from './figures/figure.ts';
import { runFigures } from './figures/run-figures.ts';
import { storeGrowth } from './store/store-growth.ts';

/**
 * `npm run bench`: this runtime beside Node-RED, the post's script, and bare clients; `--store` the size of its stores,
 * `--figures` what no bar is set for. Exit codes: 0 all bars hold, 1 one does not, 2 wrong options, 3 it could not be
 * measured.
 */
try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof AppError) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exitCode = 3;
  } else throw error;
}

async function main(): Promise<0 | 1> {
  const { rounds, json, store, figures } = parseOptions();
  if (process.platform !== 'linux') {
    throw new AppError('unsupported', 'CPU time and memory of processes are read from /proc: run the bench on Linux.');
  }
  const progress = createProgress(process.stderr, Date.now);
  const write = (rows: readonly (Finding | Figure)[]) => {
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`);
  };
  try {
    if (store === undefined && !figures) {
      const findings = await compare(rounds, progress);
      write(findings);
      return exitCodeOf(findings);
    }
    const findings = store === undefined ? [] : [await weigh(store, progress)];
    const rows = figures ? await runFigures(resolve('.'), (line) => progress.show(line)) : [];
    progress.end();
    if (figures) print(table(['figure', 'value', 'unit', 'how'], rows.map(figureRow)));
    write([...findings, ...rows]);
    return exitCodeOf(findings);
  } finally {
    progress.end();
  }
}

function exitCodeOf(findings: readonly Finding[]): 0 | 1 {
  return findings.every(({ holds }) => holds) ? 0 : 1;
}

async function compare(rounds: number, progress: Progress): Promise<Finding[]> {
  const root = resolve('.');
  const cache = join(root, '.cache');
  progress.show('installing Node-RED and the packages of the post, once');
  const nodeRed = await installNodeRed(cache);
  const python = await installPython(cache);
  progress.show('bundling');
  const programs = await buildPrograms(root);
  try {
    const result = await runRounds({
      ...{ programs, nodeRed, python, rounds, cache: join(cache, 'bench') },
      onProgress: (line) => progress.show(line),
    });
    progress.end();
    print(`${result.on}; broker ${result.broker}; medians of ${rounds} rounds, side by side\n`);
    print(table(['', ...result.systems], result.figures));
    print('');
    printFindings(result.findings);
    if (python === undefined)
      print('\nWithout Python: python3 with venv is not there, or its packages could not be fetched.');
    if (result.scriptFailed !== undefined) print(`\nThe post's script has no figures: ${result.scriptFailed}`);
    return result.findings;
  } finally {
    await programs.remove();
  }
}

async function weigh(anomalies: number, progress: Progress): Promise<Finding> {
  const { finding, lines } = await storeGrowth(anomalies, (line) => progress.show(line));
  progress.end();
  for (const line of lines) print(line);
  print('');
  printFindings([finding]);
  return finding;
}

function printFindings(findings: readonly Finding[]): void {
  print(table(['measure', 'ratio', 'bar', 'holds', 'of'], findings.map(row)));
}

function row({ measure, ratio, bar, holds, of }: Finding): string[] {
  return [measure, ratio.toFixed(2), bar, holds ? 'yes' : 'NO', of];
}

function figureRow({ measure, value, unit, how }: Figure): string[] {
  return [measure, value.toFixed(value < 100 ? 1 : 0), unit, how];
}

interface Options {
  rounds: number;
  json?: string;
  store?: number;
  figures: boolean;
}

function parseOptions(): Options {
  const { store, ...options } = new Command('npm run bench --')
    .description('Measures this runtime beside Node-RED, a Python script and bare clients; ratios are the result.')
    .option('--rounds <number>', 'rounds, whose medians count', whole, 3)
    .option(
      '--store [anomalies]',
      'size of the stores after so many (1000000), against a tenth, instead',
      manyAnomalies,
    )
    .option('--figures', 'pages, bytes written a day, packages and start times, instead', false)
    .option('--json <file>', 'writes the ratios and figures to this file')
    .exitOverride()
    .parse(process.argv.slice(2), { from: 'user' })
    .opts<Omit<Options, 'store'> & { store?: number | true }>();
  return { ...options, ...(store === undefined ? {} : { store: store === true ? 1_000_000 : store }) };
}

function whole(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number, 1 to 99.');
}

/** A tenth is to be well beyond what is kept of ended breaches. */
function manyAnomalies(text: string): number {
  if (/^\d{6,8}$/.test(text) && Number(text) >= 200_000) return Number(text);
  throw new InvalidArgumentError('Give a whole number, 200000 to 99999999.');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
