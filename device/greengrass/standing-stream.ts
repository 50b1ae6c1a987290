import { type BackoffPolicy, backoffMs } from '../platform/backoff.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { IpcFailure, StreamListener, StreamName, StreamRequest } from './ipc.ts';
import type { NucleusConnection, OpenStream } from './nucleus-connection.ts';
import { failureOf } from './nucleus-error.ts';

export interface StandingStreamDeps {
  component: string;
  time: Time;
  random: () => number;
  logger: Logger;
  /** Between two attempts after a refusal. */
  backoff: BackoffPolicy;
  /** How long the nucleus may take to answer. */
  answerMs: number;
  /** It took longer: the connection is dead. */
  silent: () => void;
}

/**
 * | phase   | what is there                                  | left by                                                    |
 * |---------|------------------------------------------------|------------------------------------------------------------|
 * | idle    | no connection                                  | `openOn` → asking                                          |
 * | asking  | a stream that the nucleus has not answered yet  | answer → open; refusal → refused; connection lost → idle   |
 * | open    | a stream                                       | ended by the nucleus → refused; connection lost → idle     |
 * | refused | a timer, unless the nucleus lacks the operation | timer → asking; connection lost → idle                     |
 * | closed  | nothing                                        | never                                                      |
 */
export interface StandingStream {
  /** Asks for it on a new connection; resolves once that was answered or is in vain. */
  openOn(connection: NucleusConnection): Promise<void>;
  /** The connection has ended. */
  lost(): void;
  close(): Promise<void>;
}

type Phase =
  | { name: 'idle' | 'closed' }
  | { name: 'asking'; stream: OpenStream; overdue: Timer; settle: () => void }
  | { name: 'open'; stream: OpenStream }
  | { name: 'refused'; timer: Timer | undefined };

export function standingStream<O extends StreamName>(
  operation: O,
  request: StreamRequest<O>,
  listener: StreamListener<O>,
  deps: StandingStreamDeps,
): StandingStream {
  const { time, logger, backoff, component } = deps;
  let phase: Phase = { name: 'idle' };
  let refusals = 0;
  let told = '';

  /** Of a listener's mistake nobody else is to suffer. */
  function tell(what: () => void): void {
    try {
      what();
    } catch (error) {
      logger.error({ err: error, operation }, 'a listener of the nucleus failed');
    }
  }

  function ask(connection: NucleusConnection): Promise<void> {
    return new Promise((resolve) => {
      let stream: OpenStream;
      const isCurrent = () => (phase.name === 'asking' || phase.name === 'open') && phase.stream === stream;
      try {
        stream = connection.open(operation, request, {
          event(event) {
            if (isCurrent()) tell(() => listener.event(event));
          },
          ended() {
            if (isCurrent()) refused(connection, { ok: false, reason: 'failed', message: `${operation} was ended` });
            resolve();
          },
        });
      } catch (error) {
        // The connection is on its way out, which is told apart.
        logger.debug({ err: error, operation }, 'a stream could not be asked for');
        resolve();
        return;
      }
      const overdue = time.after(deps.answerMs, deps.silent);
      phase = { name: 'asking', stream, overdue, settle: resolve };
      void stream.answered.then((answer) => {
        if (phase.name !== 'asking' || phase.stream !== stream) return;
        overdue.cancel();
        if (answer.ok) opened(stream);
        else refused(connection, failureOf(component, operation, request, answer));
        resolve();
      });
    });
  }

  function opened(stream: OpenStream): void {
    phase = { name: 'open', stream };
    refusals = 0;
    told = '';
    tell(() => listener.opened?.());
  }

  function refused(connection: NucleusConnection, failure: IpcFailure): void {
    if (phase.name === 'asking') phase.overdue.cancel();
    if (phase.name === 'asking' || phase.name === 'open') void phase.stream.close();
    refusals += 1;
    const delayMs = backoff.baseMs + backoffMs(refusals, backoff, deps.random);
    const timer = failure.reason === 'unsupported' ? undefined : time.after(delayMs, () => void ask(connection));
    phase = { name: 'refused', timer };
    if (failure.message === told) return;
    told = failure.message;
    tell(() => listener.refused?.(failure));
  }

  function leave(): OpenStream | undefined {
    if (phase.name === 'refused') phase.timer?.cancel();
    if (phase.name === 'asking') {
      phase.overdue.cancel();
      phase.settle();
    }
    return phase.name === 'asking' || phase.name === 'open' ? phase.stream : undefined;
  }

  return {
    async openOn(connection) {
      if (phase.name === 'idle') await ask(connection);
    },
    lost() {
      if (phase.name === 'closed') return;
      leave();
      phase = { name: 'idle' };
    },
    async close() {
      const stream = leave();
      phase = { name: 'closed' };
      await stream?.close();
    },
  };
}
