import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { Target } from './targets.ts';

export interface FuzzOptions {
  seed: number;
  /** Inputs, before the target's cost is taken into account. */
  inputs: number;
  /** Default `performance.now`. */
  nowMs?: () => number;
  /** Called now and then with the number of inputs tried so far. */
  onProgress?: (tried: number) => void;
}

export interface FuzzResult {
  target: string;
  inputs: number;
  /** All inputs together, made, parsed and looked at, ms. */
  tookMs: number;
  /** Longest that one input took, ms. */
  slowestMs: number;
  /** Heap after the last input beyond that after the first fifth, bytes, both after a garbage collection. */
  grownBytes: number;
  /** What does not hold; undefined where all does. */
  violation: string | undefined;
}

/** An input that takes longer is as good as one that hangs; a busy machine takes ten times as long as a quiet one. */
const longestMs = 5_000;
const mostGrownBytes = 16 * 1024 * 1024;
/** Characters of an input. */
const longestShown = 2_000;
const progressEvery = 500;

/** Feeds a parser; the first input that it does not stand is made as small as it still fails. */
export async function fuzz(
  target: Target,
  { seed, inputs, nowMs = () => performance.now(), onProgress }: FuzzOptions,
): Promise<FuzzResult> {
  const count = Math.max(100, Math.round(inputs / (target.cost ?? 1)));
  const { property, end } = await target.open();
  const beganMs = nowMs();
  let tried = 0;
  let slowestMs = 0;
  let settledBytes = 0;
  const watched = watch(property, nowMs, (ms) => {
    tried += 1;
    slowestMs = Math.max(slowestMs, ms);
    if (tried === Math.ceil(count / 5)) settledBytes = usedBytes();
    if (tried % progressEvery === 0) onProgress?.(tried);
  });
  try {
    const details = await fc.check(watched, { seed, numRuns: count });
    const grownBytes = usedBytes() - settledBytes;
    const violation = details.failed
      ? failureText(details)
      : slowestMs > longestMs
        ? `one input took ${Math.round(slowestMs)} ms`
        : grownBytes > mostGrownBytes
          ? `${Math.round(grownBytes / 1_048_576)} MiB more are held than after the first fifth of the inputs`
          : undefined;
    const tookMs = nowMs() - beganMs;
    return { target: target.name, inputs: details.numRuns, tookMs, slowestMs, grownBytes, violation };
  } finally {
    await end?.();
  }
}

function failureText({ seed, counterexamplePath, counterexample, errorInstance }: fc.RunDetails<unknown>): string {
  const input = fc.stringify(counterexample);
  const shown = input.length <= longestShown ? input : `${input.slice(0, longestShown)}… (${input.length} characters)`;
  return `${String(errorInstance)}\nseed: ${seed}, path: ${counterexamplePath}, input: ${shown}`;
}

/** The property, with the time of each run told. */
function watch(
  property: fc.IRawProperty<unknown, boolean>,
  nowMs: () => number,
  ran: (ms: number) => void,
): fc.IAsyncProperty<unknown> | fc.IProperty<unknown> {
  return Object.create(property, {
    run: {
      value(input: unknown) {
        const beganMs = nowMs();
        const outcome: unknown = Reflect.apply(property.run, property, [input]);
        const tell = () => ran(nowMs() - beganMs);
        if (outcome instanceof Promise) return outcome.finally(tell);
        tell();
        return outcome;
      },
    },
  });
}

let collect: (() => void) | undefined;

function usedBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc');
  }
  collect?.();
  return process.memoryUsage().heapUsed;
}
