import type { BackoffPolicy } from '../platform/backoff.ts';
import { backoffMs } from '../platform/backoff.ts';
import { AppError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { sleep, type Time, type Timer } from '../platform/time.ts';
import { createCallQueue } from './call-queue.ts';
import type { CallName, CallOptions, CallResult, Ipc, IpcFailure, IpcState, Request } from './ipc.ts';
import { type Connect, connectToNucleus, type NucleusAddress, type NucleusConnection } from './nucleus-connection.ts';
import { failureOf } from './nucleus-error.ts';
import { requestBytes } from './request-size.ts';
import { type StandingStream, standingStream } from './standing-stream.ts';

export interface IpcClientDeps {
  /** With what the nucleus sets for each process that it starts. */
  env: Readonly<Record<string, string | undefined>>;
  /** Whose access it is about, in sentences: the component's name. */
  component: string;
  logger: Logger;
  /** Real time. */
  time: Time;
  /** Uniform in [0, 1); spreads reconnects. */
  random: () => number;
  /** Between two connections, and between two attempts at a refused stream. Default 0.2 s to 30 s. */
  backoff?: BackoffPolicy;
  /** Another way to connect; default with the SDK. */
  connect?: Connect;
}

/** Variables that the nucleus sets. Source: AWS IoT Device SDK v2, `createDefaultClientConfig`. */
export const socketVariable = 'AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT';
export const tokenVariable = 'SVCUID';

/** Nucleus Lite refuses further calls while ten are under way; it needs some for streams. */
const queueLimits = { underWay: 8, waiting: 1_024 };
/** Nucleus Lite closes the connection at a packet of more than 10,000 bytes. */
const longestRequestBytes = 9_900;
const defaultTimeoutMs = 10_000;
const connectTimeoutMs = 10_000;
/** After this many calls in a row without an answer the connection is given up for a new one. */
const mostTimeouts = 3;
/** A connection that lasted this long begins a new count of failures. */
const stableMs = 10_000;
const closeGraceMs = 1_000;
const defaultBackoff = { baseMs: 200, capMs: 30_000 };

/**
 * | phase     | what is there                                        | left by                                       |
 * |-----------|------------------------------------------------------|-----------------------------------------------|
 * | idle      | nothing                                              | start → opening                               |
 * | opening   | an attempt; then a connection that restores streams  | streams answered → connected; failure → waiting |
 * | connected | a connection                                         | lost, or silent → waiting                     |
 * | waiting   | a timer                                              | timer → opening                               |
 * | stopped   | nothing                                              | never                                         |
 *
 * `stop` leads to stopped from each. The SDK never settles what was under way on a connection that ended, and its client
 * connects once: so each attempt is a new client, and every call is settled here.
 */
type Phase =
  | { name: 'idle' | 'stopped' }
  | { name: 'opening'; attempt: AbortController; deadline: Timer; connection?: NucleusConnection }
  | { name: 'connected'; connection: NucleusConnection; sinceMs: number }
  | { name: 'waiting'; timer: Timer };

type Opening = Extract<Phase, { name: 'opening' }>;

/** A component's connection to its nucleus. Does nothing, and loads nothing, until it is started. */
export function createIpcClient(deps: IpcClientDeps): Ipc {
  const { component, time, random, connect = connectToNucleus, backoff = defaultBackoff } = deps;
  const logger = deps.logger.child({ module: 'greengrass' });
  const streams = new Set<StandingStream>();
  const pending = new Set<(result: IpcFailure) => void>();
  const listeners = new Set<(state: IpcState) => void>();
  const queue = createCallQueue(queueLimits);
  let phase: Phase = { name: 'idle' };
  let state: IpcState = { state: 'disconnected', reason: 'not started' };
  let address: NucleusAddress | undefined;
  let failures = 0;
  let timeouts = 0;

  // --- connection --------------------------------------------------------------------------------------------------

  function become(next: IpcState): void {
    const changed = next.state !== state.state;
    const news = changed || (next.state === 'disconnected' && next.reason !== reasonOf(state));
    state = next;
    if (news && phase.name !== 'stopped') {
      if (next.state === 'connected') logger.info('connected to the nucleus');
      else logger.warn({ reason: next.reason }, 'no connection to the nucleus');
    }
    if (!changed) return;
    for (const listener of listeners) listener(next);
  }

  async function open(to: NucleusAddress): Promise<void> {
    const attempt = new AbortController();
    const deadline = time.after(connectTimeoutMs, () => {
      ended(opening, `no connection to ${to.socket} within ${connectTimeoutMs / 1_000} s`);
    });
    const opening: Opening = { name: 'opening', attempt, deadline };
    phase = opening;
    try {
      const connection = await connect({ ...to, lost: (reason) => lost(connection, reason), signal: attempt.signal });
      if (phase === opening) await restore(opening, connection);
      else await connection.close();
    } catch (error) {
      ended(opening, `${to.socket}: ${messageOf(error)}`);
    }
  }

  async function restore(opening: Opening, connection: NucleusConnection): Promise<void> {
    opening.connection = connection;
    let restored = 0;
    // Some may be added while others are answered.
    while (phase === opening && restored < streams.size) {
      restored = streams.size;
      await Promise.all([...streams].map((stream) => stream.openOn(connection)));
    }
    if (phase !== opening) return;
    opening.deadline.cancel();
    phase = { name: 'connected', connection, sinceMs: time.monotonicMs() };
    timeouts = 0;
    become({ state: 'connected' });
  }

  function lost(connection: NucleusConnection, reason: string): void {
    if (liveConnection() === connection) ended(phase, reason);
  }

  /** Ends this phase, in which there was an attempt or a connection, and comes again after a pause. */
  function ended(ending: Phase, reason: string): void {
    if (phase !== ending || address === undefined) return;
    const to = address;
    const stable = phase.name === 'connected' && time.monotonicMs() - phase.sinceMs >= stableMs;
    failures = stable ? 1 : failures + 1;
    const connection = leave();
    phase = { name: 'waiting', timer: time.after(backoffMs(failures, backoff, random), () => void open(to)) };
    for (const stream of streams) stream.lost();
    settleAll({ ok: false, reason: 'offline', message: `the connection to the nucleus ended: ${reason}` });
    void connection?.close();
    become({ state: 'disconnected', reason });
  }

  /** Ends what the phase owns, but the connection. */
  function leave(): NucleusConnection | undefined {
    const connection = liveConnection();
    if (phase.name === 'waiting') phase.timer.cancel();
    if (phase.name === 'opening') {
      phase.deadline.cancel();
      phase.attempt.abort();
    }
    return connection;
  }

  function liveConnection(): NucleusConnection | undefined {
    return phase.name === 'connected' || phase.name === 'opening' ? phase.connection : undefined;
  }

  // --- calls -------------------------------------------------------------------------------------------------------

  function settleAll(result: IpcFailure): void {
    for (const settle of [...pending]) settle(result);
  }

  function noAnswer(operation: CallName, timeoutMs: number): IpcFailure {
    timeouts += 1;
    if (timeouts >= mostTimeouts) ended(phase, `${timeouts} calls in a row without an answer`);
    return { ok: false, reason: 'timeout', message: `no answer to ${operation} within ${timeoutMs} ms` };
  }

  function refusal(operation: CallName, request: object): IpcFailure | undefined {
    if (phase.name === 'stopped')
      return { ok: false, reason: 'closed', message: 'the connection to the nucleus was stopped' };
    const bytes = requestBytes(request);
    if (bytes > longestRequestBytes) {
      const message = `${operation} of ${bytes} bytes; the nucleus takes at most ${longestRequestBytes}`;
      return { ok: false, reason: 'too-large', message };
    }
    return undefined;
  }

  function send<O extends CallName>(
    { connection }: { connection: NucleusConnection },
    { operation, request }: { operation: O; request: Request<O> },
    { timeoutMs = defaultTimeoutMs, signal }: CallOptions,
  ): Promise<CallResult<O>> {
    return new Promise((resolve) => {
      const cancel = new AbortController();
      const onAbort = () => settle({ ok: false, reason: 'closed', message: `${operation} was given up` });
      const timer = time.after(timeoutMs, () => settle(noAnswer(operation, timeoutMs)));
      const leaveQueue = queue.enter(laneOf(operation, request), () => {
        void connection.call(operation, request, cancel.signal).then((answer) => {
          if (!cancel.signal.aborted) timeouts = 0;
          settle(answer.ok ? answer : failureOf(component, operation, request, answer));
        });
      });
      function settle(result: CallResult<O>): void {
        if (cancel.signal.aborted) return;
        cancel.abort();
        timer.cancel();
        pending.delete(settle);
        signal?.removeEventListener('abort', onAbort);
        leaveQueue?.();
        resolve(result);
      }
      pending.add(settle);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
      if (leaveQueue === undefined)
        settle({ ok: false, reason: 'busy', message: 'too many calls wait for the nucleus' });
    });
  }

  /** The end of what is to be ended politely: a peer that does not read any more cannot be told. */
  async function withinGrace(end: Promise<void> | undefined): Promise<void> {
    const done = new AbortController();
    await Promise.race([end, sleep(time, closeGraceMs, done.signal)]);
    done.abort();
  }

  return {
    async start() {
      if (phase.name !== 'idle') return;
      address = addressIn(deps.env, component);
      state = { state: 'disconnected', reason: `connecting to ${address.socket}` };
      void open(address);
    },
    async stop() {
      if (phase.name === 'stopped') return;
      const connection = leave();
      phase = { name: 'stopped' };
      settleAll({ ok: false, reason: 'closed', message: 'the connection to the nucleus was stopped' });
      for (const stream of streams) stream.lost();
      streams.clear();
      become({ state: 'disconnected', reason: 'stopped' });
      await withinGrace(connection?.close());
    },
    state: () => state,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async call(operation, request, options = {}) {
      const refused = refusal(operation, request);
      if (refused !== undefined) return refused;
      if (phase.name !== 'connected') return { ok: false, reason: 'offline', message: reasonOf(state) };
      return send(phase, { operation, request }, options);
    },
    async open(operation, request, listener) {
      const stream = standingStream(operation, request, listener, {
        ...{ component, time, random, logger, backoff, answerMs: defaultTimeoutMs },
        silent: () => ended(phase, `no answer to ${operation} within ${defaultTimeoutMs / 1_000} s`),
      });
      if (phase.name !== 'stopped') streams.add(stream);
      const connection = liveConnection();
      if (connection !== undefined) await stream.openOn(connection);
      return {
        async close() {
          streams.delete(stream);
          await withinGrace(stream.close());
        },
      };
    },
  };
}

/** @throws AppError `not-under-greengrass` */
function addressIn(env: IpcClientDeps['env'], component: string): NucleusAddress {
  const [socket, authToken] = [env[socketVariable], env[tokenVariable]];
  if (socket && authToken) return { socket, authToken };
  throw notUnderGreengrass(component, socket ? tokenVariable : socketVariable);
}

/** `what` needs a nucleus, and none has started this process. */
export function notUnderGreengrass(what: string, missing = socketVariable): AppError {
  return new AppError(
    'not-under-greengrass',
    `${what} needs a Greengrass nucleus, and this process was not started by one (${missing} is not set). Deploy it as a Greengrass component (recipes/), or set transport.kind to mqtt or iot-core and secrets.kind to file or secrets-manager.`,
  );
}

/** Messages of one topic keep their order. */
function laneOf(operation: CallName, request: object): string {
  return 'topic' in request ? `${operation} ${request.topic}` : operation;
}

function reasonOf(state: IpcState): string {
  return state.state === 'connected' ? '' : state.reason;
}
