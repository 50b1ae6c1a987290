import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { FuzzOptions, FuzzResult } from './fuzz.ts';

export interface RunFuzzOptions extends FuzzOptions {
  /** Silence after which a parser counts as hanging. Default a minute: even a busy machine tries hundreds of inputs in it. */
  silenceMs?: number;
  /** The program that fuzzes one target and says how far it is; for tests. */
  program?: string;
}

/** Lines of its errors that are kept, for a process that dies: the first, as a crash adds where it was. */
const keptLines = 5;

/**
 * Fuzzes one target in a process of its own, so that a parser that never returns, or that takes the process down with it,
 * is a violation like any other.
 */
export function runFuzz(target: string, options: RunFuzzOptions): Promise<FuzzResult> {
  const { seed, inputs, onProgress, silenceMs = 60_000, program = new URL('./process.ts', import.meta.url) } = options;
  return new Promise((resolve) => {
    let tried = 0;
    let told: FuzzResult | undefined;
    let hangs = false;
    const beganMs = performance.now();
    const said: string[] = [];
    const child = fork(program, [JSON.stringify({ target, seed, inputs })], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let silence = setTimeout(end, silenceMs);
    function end() {
      hangs = true;
      child.kill('SIGKILL');
    }
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (said.length < keptLines) said.push(line);
      });
    }
    child.on('message', (message: { tried: number } | { result: FuzzResult }) => {
      clearTimeout(silence);
      silence = setTimeout(end, silenceMs);
      if ('result' in message) {
        told = message.result;
        return;
      }
      tried = message.tried;
      onProgress?.(tried);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(silence);
      const how = hangs ? `no input more in ${silenceMs / 1_000} s: it hangs` : `the process ended (${signal ?? code})`;
      const violation = [`${how}, after ${tried} inputs of seed ${seed}`, ...said].join('\n');
      const tookMs = performance.now() - beganMs;
      resolve(told ?? { target, inputs: tried, tookMs, slowestMs: 0, grownBytes: 0, violation });
    });
  });
}
