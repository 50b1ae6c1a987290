import type { BackoffPolicy } from '../platform/backoff.ts';
import { backoffMs } from '../platform/backoff.ts';
import type { Logger } from '../platform/logger.ts';
import type { Time, Timer } from '../platform/time.ts';
import type { Ipc, IpcFailure, Stream } from './ipc.ts';

export interface DeploymentConfigurationDeps {
  ipc: Ipc;
  /** Real time. */
  time: Time;
  logger: Logger;
  random: () => number;
  /** What is wrong with a configuration that a deployment wants, in sentences; undefined where it can be used. */
  judge: (configuration: unknown) => Promise<string | undefined>;
  /** The configuration was read: the first one, or one that differs from what was read before. */
  changed: (configuration: unknown) => void;
  /** Between attempts to read. Default 0.5 s to 30 s. */
  backoff?: BackoffPolicy;
}

export interface DeploymentConfiguration {
  /** Begins to listen for changes and to read; the nucleus may be out of reach meanwhile. Idempotent. */
  start(): Promise<void>;
  /** Idempotent. Nothing is told after it was called. */
  stop(): Promise<void>;
  /** Resolves with the first configuration that could be read; with undefined if there is none after `withinMs`. */
  first(withinMs?: number): Promise<{ configuration: unknown } | undefined>;
  /** Tells the nucleus that the component runs, or does not; one that it does not hear is told again once it does. */
  tellState(state: 'RUNNING' | 'ERRORED'): Promise<void>;
}

/** Nucleus Lite tells a change of many values one by one: it is read once they have been quiet for this long. */
const quietMs = 200;
/** How long a change that goes on is waited for. */
const mostQuietMs = 2_000;
const readTimeoutMs = 5_000;
const stateTimeoutMs = 1_500;
const attemptsToReport = 3;
/** A report must fit into one packet of the nucleus, in UTF-8. */
const longestReport = 3_000;
const defaultBackoff = { baseMs: 500, capMs: 30_000 };

/**
 * The configuration of this component, as its deployments have it.
 *
 * | reading  | is                                    | left by                                                       |
 * |----------|---------------------------------------|---------------------------------------------------------------|
 * | resting  | up to date, or the nucleus is away     | a change was told → settling; the nucleus is back → asking      |
 * | settling | a timer: more changes may come         | quiet → asking                                                |
 * | asking   | the nucleus is asked                  | an answer → resting; a change meanwhile → settling; failed → pausing |
 * | pausing  | a timer                               | its end → asking                                              |
 *
 * A change says that there is one, not what: so all of it is read anew, after each reconnect too.
 */
export function createDeploymentConfiguration(deps: DeploymentConfigurationDeps): DeploymentConfiguration {
  const { ipc, time, random, backoff = defaultBackoff } = deps;
  const logger = deps.logger.child({ module: 'deployment' });
  const giveUp = new AbortController();
  const streams: Stream[] = [];
  let life: 'new' | 'running' | 'stopped' = 'new';
  let forgetState = () => {};
  let timer: Timer | undefined;
  let asking = false;
  let changedMeanwhile = false;
  let changingSinceMs: number | undefined;
  let failures = 0;
  let toldFailure = '';
  let last: { text: string; configuration: unknown } | undefined;
  let waiting: (() => void)[] = [];
  let untold: 'RUNNING' | 'ERRORED' | undefined;

  function changeTold(): void {
    if (asking) changedMeanwhile = true;
    else settle();
  }

  function settle(): void {
    const nowMs = time.monotonicMs();
    changingSinceMs ??= nowMs;
    const leftMs = changingSinceMs + mostQuietMs - nowMs;
    askAfter(Math.max(0, Math.min(quietMs, leftMs)));
  }

  function askAfter(delayMs: number): void {
    timer?.cancel();
    timer = time.after(delayMs, () => void ask());
  }

  async function ask(): Promise<void> {
    timer?.cancel();
    timer = undefined;
    changingSinceMs = undefined;
    if (asking || life !== 'running') return;
    asking = true;
    const options = { timeoutMs: readTimeoutMs, signal: giveUp.signal };
    const result = await ipc.call('GetConfiguration', { keyPath: [] }, options);
    asking = false;
    if (giveUp.signal.aborted) return;
    if (result.ok) take(result.response.value);
    else if (result.reason === 'not-found') take({});
    else failed(result);
    if (changedMeanwhile && timer === undefined) settle();
    changedMeanwhile = false;
  }

  function take(configuration: unknown): void {
    failures = 0;
    toldFailure = '';
    const text = JSON.stringify(configuration ?? {});
    if (text === last?.text) return;
    last = { text, configuration: configuration ?? {} };
    for (const resolve of waiting.splice(0)) resolve();
    deps.changed(last.configuration);
  }

  /** While the nucleus is away its return is waited for. */
  function failed({ reason, message }: IpcFailure): void {
    if (toldFailure !== reason && reason !== 'offline') {
      toldFailure = reason;
      logger.warn({ reason, detail: message }, 'the configuration of the deployment cannot be read, trying again');
    }
    if (ipc.state().state !== 'connected') return;
    failures += 1;
    askAfter(backoffMs(failures, backoff, random));
  }

  async function validate(event: { deploymentId: string; configuration: unknown }): Promise<void> {
    const { deploymentId } = event;
    const problem = await deps.judge(event.configuration);
    logger.info({ deploymentId, problem }, problem === undefined ? 'configuration accepted' : 'configuration rejected');
    const report =
      problem === undefined
        ? ({ deploymentId, status: 'ACCEPTED' } as const)
        : ({ deploymentId, status: 'REJECTED', message: problem.slice(0, longestReport) } as const);
    for (let attempt = 1; attempt <= attemptsToReport && life === 'running'; attempt += 1) {
      const result = await ipc.call('SendConfigurationValidityReport', report, { signal: giveUp.signal });
      if (result.ok) return;
      // After a reconnect the nucleus does not know the question any more; it asks again if it still wants to know.
      const isLost = result.reason === 'offline' || result.reason === 'closed';
      if (isLost || attempt === attemptsToReport) {
        logger.warn({ deploymentId, reason: result.reason, detail: result.message }, 'the nucleus was not told');
        return;
      }
    }
  }

  async function tell(): Promise<void> {
    const state = untold;
    if (state === undefined || ipc.state().state !== 'connected') return;
    const result = await ipc.call('UpdateState', { state }, { timeoutMs: stateTimeoutMs });
    if (result.ok && untold === state) untold = undefined;
    if (!result.ok) logger.debug({ state, reason: result.reason }, 'the nucleus was not told the state');
  }

  function connected(): void {
    void ask();
    void tell();
  }

  return {
    async start() {
      if (life !== 'new') return;
      life = 'running';
      forgetState = ipc.onState(({ state }) => {
        if (state === 'connected') connected();
      });
      const opening = [
        ipc.open('SubscribeToConfigurationUpdate', { keyPath: [] }, { event: changeTold }),
        ipc.open(
          'SubscribeToValidateConfigurationUpdates',
          {},
          {
            event: (event) => void validate(event),
            refused({ reason, message }) {
              if (reason === 'unsupported') {
                logger.info(
                  'this nucleus does not ask whether a configuration is valid: it is judged when it is applied',
                );
              } else logger.warn({ reason, detail: message }, 'the nucleus does not let us judge configurations');
            },
          },
        ),
      ];
      streams.push(...(await Promise.all(opening)));
      if (ipc.state().state === 'connected') connected();
    },

    async stop() {
      if (life === 'stopped') return;
      life = 'stopped';
      giveUp.abort();
      timer?.cancel();
      forgetState();
      waiting = [];
      await Promise.all(streams.map((stream) => stream.close()));
    },

    first(withinMs) {
      if (last !== undefined) return Promise.resolve({ configuration: last.configuration });
      return new Promise((resolve) => {
        const late = withinMs === undefined ? undefined : time.after(withinMs, () => resolve(undefined));
        waiting.push(() => {
          late?.cancel();
          resolve(last === undefined ? undefined : { configuration: last.configuration });
        });
      });
    },

    async tellState(state) {
      untold = state;
      await tell();
    },
  };
}
