import { Command, InvalidArgumentError } from 'commander';

export interface ChaosOptions {
  /** Whole processes instead of the simulated world. */
  processes: boolean;
  /** Schedules of the simulated world, or faults that strike whole processes. */
  rounds: number;
  /** Whether a power loss cuts what is not synced at every byte, and not at some of them. */
  everyByte: boolean;
  /** Part of the names of the faults to play with whole processes; undefined plays all. */
  fault: string | undefined;
  seed: number;
  /** Longest time that schedules or rounds are begun, minutes. */
  minutes: number;
  /** Part of the names of the mutants to try, empty for all; undefined tries none. */
  mutants: string | undefined;
  /** Part of the names of the parsers to feed, empty for all; undefined feeds none. */
  fuzz: string | undefined;
  /** Inputs for each of them. */
  inputs: number;
  /** File for the result; undefined writes none. */
  json: string | undefined;
}

/** @throws CommanderError for wrong options, and for `--help`. */
export function parseOptions(argv: readonly string[]): ChaosOptions {
  const program = new Command('npm run chaos --')
    .description('Tries to make the edge lose or double a breach, and says whether it did. Exit code 1 where it did.')
    .option('--simulated', 'the real code in a simulated world (the default)')
    .option('--processes', 'whole processes instead, with a real broker, disk and local ServiceNow')
    .option('--seed <number>', 'of the first schedule or world; each next one has the next number', whole, 1)
    .option(
      '--rounds <number>',
      'how many are played: a schedule each, or with whole processes a fault each',
      whole,
      10_000,
    )
    .option('--fault <name>', 'with whole processes: only faults with this in their name')
    .option('--every-byte', 'with whole processes: a power loss cuts the last write at every byte, not at 500 of them')
    .option('--minutes <number>', 'no round is begun after this time', positive, 10)
    .option('--mutants [name]', 'breaks the code on purpose, one line at a time, and says whether that is found')
    .option('--fuzz [name]', 'feeds hostile input to every parser at an edge, each in a process of its own')
    .option('--inputs <number>', 'for each parser; a slow one gets fewer', whole, 100_000)
    .option('--json <file>', 'writes the result to this file')
    .exitOverride()
    .parse(argv, { from: 'user' });
  const options = program.opts<
    Omit<ChaosOptions, 'processes' | 'everyByte' | 'fault' | 'mutants' | 'fuzz' | 'json'> &
      Partial<Record<'mutants' | 'fuzz', string | true>> & {
        processes?: true;
        everyByte?: true;
        fault?: string;
        json?: string;
      }
  >();
  return {
    processes: options.processes === true,
    everyByte: options.everyByte === true,
    rounds: options.rounds,
    fault: options.fault,
    seed: options.seed,
    minutes: options.minutes,
    mutants: options.mutants === true ? '' : options.mutants,
    fuzz: options.fuzz === true ? '' : options.fuzz,
    inputs: options.inputs,
    json: options.json,
  };
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number, 0 or more.');
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a number above 0.');
}
