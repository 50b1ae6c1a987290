import { type ChildProcess, fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../platform/errors.ts';
import type { Failure } from './io-failure.ts';
import type { ReadResult, Sensor } from './sensor.ts';

export interface NodeSenseHatOptions {
  /** Working directory of the child, made where it is missing: the addon writes a settings file (RTIMULib.ini) there. */
  workingDir: string;
  /** File or folder from which the package is resolved; default: this module. */
  resolveFrom?: string;
}

const installCommand = 'npm install --no-save node-sense-hat@0.0.2';
const child = fileURLToPath(new URL('./node-sense-hat/child.mjs', import.meta.url));
/** How much of the child's last words goes into a message. */
const lastWordsLength = 300;

/** What the chips can measure; anything else is memory that was never written. */
const values = z.object({
  temperature: z.number().min(-40).max(120),
  humidity: z.number().min(-5).max(105),
  pressure: z.number().min(260).max(1260).optional(),
});
const answer = z.union([
  z.object({ id: z.number(), values: z.unknown() }).refine((message) => message.values !== undefined),
  z.object({ id: z.number(), error: z.string(), absent: z.boolean() }),
]);

/**
 * The Sense HAT through the npm package node-sense-hat, in a child process.
 *
 * | child   | a read …                                  | its death …                                                |
 * |---------|-------------------------------------------|------------------------------------------------------------|
 * | none    | starts one and asks it                    |                                                            |
 * | idle    | asks it                                   | is told by the next read; the one after starts another     |
 * | asked   | (the sampler waits for the first to end)  | ends the read with `died`; the next read starts another    |
 *
 * A read that is given up kills the child, since a native call that hangs does not come back. The addon reads a failed
 * transfer as 0 °C and 0 %RH without an error; both together are a fault.
 */
export function createNodeSenseHat({ workingDir, resolveFrom }: NodeSenseHatOptions): Sensor {
  let running: ChildProcess | undefined;
  let death: string | undefined;
  let nextId = 1;
  let lastWords = '';

  async function start(): Promise<ChildProcess> {
    await mkdir(workingDir, { recursive: true });
    const started = fork(child, resolveFrom === undefined ? [] : [resolveFrom], {
      cwd: workingDir,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    lastWords = '';
    started.stderr?.on('data', (data: Buffer) => {
      lastWords = `${lastWords}${data.toString()}`.slice(-lastWordsLength);
    });
    const over = (how: string) => {
      if (running !== started) return;
      running = undefined;
      death = lastWords.trim() === '' ? how : `${how}: ${lastWords.trim().replaceAll(/\s+/g, ' ')}`;
    };
    started.on('error', (error) => over(messageOf(error)));
    started.on('exit', (code, signal) => over(signal === null ? `exit code ${code}` : `signal ${signal}`));
    return started;
  }

  async function read(signal: AbortSignal): Promise<ReadResult> {
    if (death !== undefined) return died();
    try {
      running ??= await start();
    } catch (error) {
      return failure('io-error', `the child process cannot be started in ${workingDir}: ${messageOf(error)}`);
    }
    return ask(running, signal);
  }

  function ask(asked: ChildProcess, signal: AbortSignal): Promise<ReadResult> {
    const id = nextId++;
    return new Promise((resolve) => {
      const settle = (result: ReadResult) => {
        asked.off('message', onMessage);
        asked.off('close', onClose);
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      };
      const onMessage = (message: unknown) => {
        const parsed = answer.safeParse(message);
        if (!parsed.success) settle(failure('implausible', 'the child process answers something else than a reading'));
        else if (parsed.data.id === id) settle(judged(parsed.data));
      };
      // `close` and not `exit`: then its last words are there too.
      const onClose = () => settle(died());
      const onAbort = () => {
        kill(asked);
        settle(failure('timeout', 'the child process did not answer in time and was ended'));
      };
      asked.on('message', onMessage);
      asked.on('close', onClose);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      // A child that is gone tells so by its end.
      else asked.send({ id }, () => undefined);
    });
  }

  function judged(message: z.infer<typeof answer>): ReadResult {
    if ('error' in message) {
      if (!message.absent) return failure('io-error', message.error);
      const advice = `Install it once: ${installCommand} (needs python3 and g++), or set sensor.kind=auto.`;
      return failure('not-found', `the package node-sense-hat is not installed. ${advice}`);
    }
    const parsed = values.safeParse(message.values);
    if (!parsed.success) return failure('implausible', z.prettifyError(parsed.error).replaceAll('\n', ' '));
    const { temperature, humidity, pressure } = parsed.data;
    if (temperature === 0 && humidity === 0) {
      return failure('io-error', '0 °C and 0 %RH, which is how the package shows a failed transfer');
    }
    return { ok: true, metrics: { temperature, humidity, ...(pressure === undefined ? {} : { pressure }) } };
  }

  function died(): Failure {
    const how = death ?? 'it ended';
    death = undefined;
    return failure('died', `the child process around the native addon died (${how}). It is started again.`);
  }

  function kill(ended: ChildProcess): void {
    if (running === ended) running = undefined;
    ended.kill('SIGKILL');
  }

  const failure = (reason: Failure['reason'], what: string): Failure => ({
    ok: false,
    reason,
    message: `node-sense-hat: ${what}`,
  });

  return {
    kind: 'node-sense-hat',
    describe: () => 'node-sense-hat: npm package in a child process',
    async start() {},
    read,
    async stop() {
      if (running !== undefined) kill(running);
    },
  };
}
