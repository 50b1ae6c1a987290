import { AppError, messageOf } from './platform/errors.ts';
import type { Logger } from './platform/logger.ts';
import { sleep, type Time } from './platform/time.ts';

/** Something that runs. `stop` is idempotent and also ends a `start` that is under way or has failed half-way. */
export interface Part {
  /** The signal is aborted when the runtime stops meanwhile. */
  start?(signal: AbortSignal): Promise<unknown> | unknown;
  stop(): Promise<unknown> | unknown;
}

export interface RuntimeOptions {
  time: Time;
  logger: Logger;
  /** Bound of a whole stop, ms. */
  stopWithinMs?: number;
  /** Bound of one part's stop, ms, so that a part that hangs leaves time for those below it. */
  partStopWithinMs?: number;
}

export interface Runtime {
  /**
   * Starts a part and puts it on the stack. A failure stops everything on the stack first.
   * @throws AppError `start-failed` naming the part, or `stopping` once the runtime stops
   */
  start<P extends Part>(name: string, part: P): Promise<P>;
  /** The same for what runs from its making on: a server, a store. */
  open<P extends Part>(name: string, open: (signal: AbortSignal) => Promise<P> | P): Promise<P>;
  /** Stops the parts, the last started first. Idempotent: every call answers the end of the first. Never throws. */
  stop(): Promise<StopReport>;
}

/** Sentences about parts that failed to stop, or not in time; empty after an orderly stop. */
export interface StopReport {
  problems: readonly string[];
}

/** Composition roots promise an end within two seconds. */
const defaultStopWithinMs = 2_000;
const defaultPartStopWithinMs = 1_500;

type Entry = { name: string; stop: () => Promise<unknown> };

/**
 * A stack of named parts.
 *
 * | state    | start, open                                        | stop                          |
 * |----------|----------------------------------------------------|-------------------------------|
 * | running  | starts the part; a failure → stopping, then throws | → stopping                    |
 * | stopping | throws `stopping`                                  | waits for the same end        |
 *
 * Nothing follows on stopping: a new run takes a new runtime.
 */
export function createRuntime(options: RuntimeOptions): Runtime {
  const { time, logger, stopWithinMs = defaultStopWithinMs, partStopWithinMs = defaultPartStopWithinMs } = options;
  const stack: Entry[] = [];
  const abort = new AbortController();
  let stopped: Promise<StopReport> | undefined;

  async function begin<P extends Part>(entry: Entry, work: () => Promise<P>): Promise<P> {
    const { name } = entry;
    if (stopped !== undefined) throw stopping(name);
    stack.push(entry);
    const startedAtMs = time.monotonicMs();
    try {
      const part = await work();
      if (stopped !== undefined) throw stopping(name);
      logger.debug({ part: name, ms: Math.round(time.monotonicMs() - startedAtMs) }, 'part started');
      return part;
    } catch (error) {
      await stop();
      // `start-failed` of a runtime inside this one names the part already.
      if (error instanceof AppError && ['stopping', 'start-failed'].includes(error.reason)) throw error;
      if (!(error instanceof AppError)) logger.error({ err: error, part: name }, 'part failed to start');
      throw new AppError('start-failed', `${capital(name)} did not start. ${messageOf(error)}`, { cause: error });
    }
  }

  function stop(): Promise<StopReport> {
    stopped ??= stopAll();
    return stopped;
  }

  async function stopAll(): Promise<StopReport> {
    const deadlineMs = time.monotonicMs() + stopWithinMs;
    const problems: string[] = [];
    abort.abort();
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const leftMs = Math.max(0, deadlineMs - time.monotonicMs());
      const problem = await stopOne(entry, Math.min(partStopWithinMs, leftMs));
      if (problem === undefined) continue;
      problems.push(problem);
      logger.warn({ part: entry.name, problem }, 'part did not stop well');
    }
    return { problems };
  }

  async function stopOne(entry: Entry, withinMs: number): Promise<string | undefined> {
    const limit = new AbortController();
    const ended = (async () => entry.stop())().then(
      () => undefined,
      (error: unknown) => `${capital(entry.name)} failed to stop: ${messageOf(error)}`,
    );
    const late = sleep(time, withinMs, limit.signal).then(
      () => `${capital(entry.name)} did not stop within ${Math.round(withinMs)} ms.`,
    );
    const problem = await Promise.race([ended, late]);
    limit.abort();
    return problem;
  }

  return {
    start: (name, part) =>
      begin({ name, stop: async () => part.stop() }, async () => {
        await part.start?.(abort.signal);
        return part;
      }),
    open<P extends Part>(name: string, open: (signal: AbortSignal) => Promise<P> | P) {
      let opening: Promise<P> | undefined;
      // Asked to stop before it is there, it is stopped as soon as it is.
      const stopWhenThere = async () => (await opening?.catch(() => undefined))?.stop();
      return begin<P>({ name, stop: stopWhenThere }, () => {
        opening = (async () => open(abort.signal))();
        return opening;
      });
    },
    stop,
  };
}

function stopping(name: string): AppError {
  return new AppError('stopping', `${capital(name)} was not started: the program is stopping.`);
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
