import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { createProgress } from '../chaos/progress.ts';
import { table } from '../chaos/report.ts';
import { installNodeRed, installPython } from './edge/install.ts';
import { buildPrograms } from './edge/programs.ts';
import { type Finding, runRounds } from './edge/rounds.ts';

/**
 * `npm run bench`: this runtime beside Node-RED, the post's script, and bare clients. Exit codes: 0 all bars hold, 1 one
 * does not, 2 wrong options, 3 it could not be measured.
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
  const { rounds, json } = parseOptions();
  if (process.platform !== 'linux') {
    throw new AppError('unsupported', 'CPU time and memory of processes are read from /proc: run the bench on Linux.');
  }
  const root = resolve('.');
  const cache = join(root, '.cache');
  const progress = createProgress(process.stderr, Date.now);
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
    print(table(['measure', 'ratio', 'bar', 'holds', 'of'], result.findings.map(row)));
    if (python === undefined)
      print('\nWithout Python: python3 with venv is not there, or its packages could not be fetched.');
    if (result.scriptFailed !== undefined) print(`\nThe post's script has no figures: ${result.scriptFailed}`);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(result.findings, undefined, 2)}\n`);
    return result.findings.every(({ holds }) => holds) ? 0 : 1;
  } finally {
    progress.end();
    await programs.remove();
  }
}

function row({ measure, ratio, bar, holds, of }: Finding): string[] {
  return [measure, ratio.toFixed(2), bar, holds ? 'yes' : 'NO', of];
}

function parseOptions(): { rounds: number; json?: string } {
  return new Command('npm run bench --')
    .description('Measures this runtime beside Node-RED, a Python script and bare clients; ratios are the result.')
    .option('--rounds <number>', 'rounds, whose medians count', whole, 3)
    .option('--json <file>', 'writes the ratios to this file')
    .exitOverride()
    .parse(process.argv.slice(2), { from: 'user' })
    .opts();
}

function whole(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number, 1 to 99.');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
