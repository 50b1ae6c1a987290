import { AppError } from './platform/errors.ts';
import type { Runtime } from './runtime.ts';

/** What is used of the process; a parameter, so that tests need no process of their own. */
export interface Host {
  on(signal: Signal, listener: (signal: Signal) => void): unknown;
  off(signal: Signal, listener: (signal: Signal) => void): unknown;
  exit(code: number): void;
  stderr: { write(text: string): unknown };
}

type Signal = 'SIGINT' | 'SIGTERM';
const signals = ['SIGINT', 'SIGTERM'] as const;

/** What a shell gives for a program that a signal ended: 128 and the signal's number. */
const codeOfSignal: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Runs a program until it ends, fails, or SIGINT or SIGTERM comes; then stops its runtime and leaves the process.
 *
 * | exit code | means                                                                      |
 * |-----------|----------------------------------------------------------------------------|
 * | 0         | stopped in order, after a signal or when it had ended                      |
 * | 1         | could not start, failed, or a part did not stop in order (sentence on stderr) |
 * | other     | what `run` answered                                                        |
 * | 130, 143  | ended at once by a second SIGINT or SIGTERM                                |
 *
 * @param run starts the parts; answers an exit code where the program has ended by itself, undefined to go on until a
 *   signal
 */
export async function runUntilSignal(
  runtime: Runtime,
  run: () => Promise<number | undefined>,
  host: Host = process,
): Promise<void> {
  let onSignal: (signal: Signal) => void = () => {};
  const signalled = new Promise<undefined>((resolve) => {
    let seen = false;
    onSignal = (signal) => {
      if (seen) host.exit(codeOfSignal[signal]);
      seen = true;
      resolve(undefined);
    };
  });
  for (const signal of signals) host.on(signal, onSignal);

  const ended = run().then(
    (code) => (code === undefined ? signalled : code),
    (error: unknown) => ({ error }),
  );
  const outcome = await Promise.race([ended, signalled]);
  const { problems } = await runtime.stop();
  const sentences = [...(typeof outcome === 'object' ? [sentenceOf(outcome.error)] : []), ...problems];
  for (const sentence of sentences) host.stderr.write(`${sentence}\n`);
  for (const signal of signals) host.off(signal, onSignal);
  const code = typeof outcome === 'number' ? outcome : 0;
  host.exit(sentences.length > 0 && code === 0 ? 1 : code);
}

/** A sentence for what was expected to happen; the stack for a bug. */
function sentenceOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
