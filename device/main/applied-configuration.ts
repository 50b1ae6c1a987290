import { adopt, changeBetween } from '../config/change.ts';
import type { ConfigurationStatus } from '../config/in-force.ts';
import { type KeptConfiguration, type KeptConfigurationFile, nothingKept } from '../config/last-good.ts';
import type { LoadedConfig } from '../config/load.ts';
import { plainTree, type Tree, without } from '../config/tree.ts';
import { AppError, messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { isoUtc, type Time } from '../platform/time.ts';

/** What runs by a configuration. */
export interface Launched {
  /** What is `live` has changed in the configuration that it was launched with. */
  reconfigure(configVersion: string): void;
  /** Never throws. */
  stop(): Promise<unknown>;
}

export interface AppliedConfigurationDeps {
  /** The effective configuration with this layer of a deployment. @throws AppError `bad-configuration` */
  load(deployment: unknown): Promise<LoadedConfig>;
  /**
   * Starts what runs. On a failure nothing of it is left; once the signal is aborted it ends the start that is under way.
   * @throws AppError
   */
  launch(loaded: LoadedConfig, status: () => ConfigurationStatus, signal: AbortSignal): Promise<Launched>;
  /** Where the last good one is kept; undefined where there are no deployments. */
  kept: KeptConfigurationFile | undefined;
  time: Time;
  logger: Logger;
  /** Nothing runs any more, and nothing could be started again. */
  failed(error: unknown): void;
}

export interface AppliedConfiguration {
  /**
   * Launches by this deployment's configuration, or by the last good one where it cannot be used or is not known yet.
   * @throws AppError why neither could be used
   */
  start(deployment: unknown): Promise<void>;
  hasLastGood(): boolean;
  /** Applies what a deployment wants; what cannot be used is told, and the one in force goes on. */
  offer(deployment: unknown): Promise<void>;
  /** Why a configuration cannot be used, in sentences; undefined where it can. */
  judge(deployment: unknown): Promise<string | undefined>;
  /** Idempotent. */
  stop(): Promise<void>;
}

interface Running {
  loaded: LoadedConfig;
  launched: Launched;
}

/**
 * Keeps what runs in line with the configuration of its deployments.
 *
 * | what is offered            | what runs                          | what is kept in the data directory |
 * |----------------------------|------------------------------------|------------------------------------|
 * | nothing new                | goes on                            | the offer, as the last good one    |
 * | only what is `live`        | goes on, and is told               | the offer, as the last good one    |
 * | more                       | is stopped and launched anew       | the offer, once it runs            |
 * | more, and it does not start | is launched as it was before      | why                                |
 * | what cannot be used        | goes on                            | why                                |
 *
 * One offer at a time, in their order.
 */
export function createAppliedConfiguration(deps: AppliedConfigurationDeps): AppliedConfiguration {
  const { time, logger } = deps;
  let kept = readKept();
  let running: Running | undefined;
  let launching: Promise<Launched> | undefined;
  let sinceMs = time.wallMs();
  let refused: ConfigurationStatus['refused'];
  /** What was refused last: offered again it is not told again. */
  let refusedText: string | undefined;
  let stopped = false;
  const stopping = new AbortController();
  let isStarted = () => {};
  /** The end of the latest turn. */
  let turn = new Promise<void>((resolve) => {
    isStarted = resolve;
  });

  function readKept(): KeptConfiguration {
    const read = deps.kept?.read();
    if (read?.ok === false) {
      logger.warn({ file: deps.kept?.path, flaw: read.flaw }, 'the kept configuration cannot be read, it begins anew');
    }
    return read?.ok === true ? read.kept : nothingKept;
  }

  function keep(next: KeptConfiguration): void {
    if (JSON.stringify(next) === JSON.stringify(kept)) return;
    kept = next;
    try {
      deps.kept?.write(kept);
    } catch (error) {
      // What runs does not depend on it; a start without a usable deployment would.
      logger.error({ file: deps.kept?.path, problem: messageOf(error) }, 'the last good configuration cannot be kept');
    }
  }

  function refuse(deployment: unknown, reason: string): void {
    const atMs = time.wallMs();
    refusedText = JSON.stringify(deployment);
    refused = { atMs, reason };
    logger.error({ reason }, 'the configuration of the deployment is refused');
    keep({ ...kept, refused: { at: isoUtc(atMs), reason } });
  }

  function keepGood(deployment: unknown, { version }: LoadedConfig): void {
    refused = undefined;
    refusedText = undefined;
    const own = ownLayer(deployment);
    const isSame = kept.lastGood?.configVersion === version && isEqual(kept.lastGood.deployment, own);
    const takenAt = isSame && kept.lastGood !== null ? kept.lastGood.takenAt : isoUtc(time.wallMs());
    keep({ version: 1, lastGood: { deployment: own, configVersion: version, takenAt }, refused: null });
  }

  async function launch(loaded: LoadedConfig): Promise<void> {
    if (stopped) throw new AppError('stopping', 'Nothing was started: the program is stopping.');
    sinceMs = time.wallMs();
    // It may be asked before it is there.
    launching = deps.launch(loaded, () => statusOf(running?.loaded ?? loaded), stopping.signal);
    running = { loaded, launched: await launching };
  }

  function statusOf({ version, origin }: LoadedConfig): ConfigurationStatus {
    return { version, origin, sinceMs, refused };
  }

  async function apply(deployment: unknown): Promise<void> {
    if (JSON.stringify(deployment) === refusedText) return;
    const next = await loaded(deployment);
    if (running === undefined || stopped) return;
    if ('problem' in next) return refuse(deployment, next.problem);
    const change = changeBetween(running.loaded.config, next.config);
    const { version } = next;
    switch (change.kind) {
      case 'none':
        running.loaded = { ...next, config: running.loaded.config };
        break;
      case 'live':
        adopt(running.loaded.config, next.config);
        running.loaded = { ...next, config: running.loaded.config };
        sinceMs = time.wallMs();
        running.launched.reconfigure(version);
        logger.info({ fields: change.fields, version }, 'the configuration was changed, and is in force');
        break;
      case 'restart':
        logger.info({ ...change, version }, 'the configuration was changed, starting anew in this process');
        if (!(await relaunch(running, next, deployment))) return;
    }
    keepGood(deployment, next);
  }

  /** Whether it runs by `next`. */
  async function relaunch(before: Running, next: LoadedConfig, deployment: unknown): Promise<boolean> {
    running = undefined;
    const beganMs = time.monotonicMs();
    await before.launched.stop();
    try {
      if (!stopped) await launch(next);
      logger.info({ ms: Math.round(time.monotonicMs() - beganMs) }, 'started anew by the changed configuration');
      return !stopped;
    } catch (error) {
      if (stopped) return false;
      refuse(deployment, `It did not start: ${messageOf(error)}`);
    }
    try {
      if (!stopped) await launch(before.loaded);
    } catch (error) {
      deps.failed(error);
    }
    return false;
  }

  async function loaded(deployment: unknown): Promise<LoadedConfig | { problem: string }> {
    try {
      return await deps.load(deployment);
    } catch (error) {
      if (error instanceof AppError) return { problem: error.message };
      throw error;
    }
  }

  function next(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work).catch((error: unknown) => logger.error({ err: error }, 'a change could not be applied'));
    return turn;
  }

  /** Launches by the last good configuration; where there is none, or it is the one that failed, `problem` is the end. */
  async function startLastGood(problem: unknown, failed?: unknown): Promise<void> {
    const { lastGood } = kept;
    if (lastGood === null || isEqual(lastGood.deployment, ownLayer(failed))) throw problem;
    try {
      await launch(await deps.load(lastGood.deployment));
    } catch (error) {
      const text = `${messageOf(problem)}\nThe last good one, of ${lastGood.takenAt}, cannot be used either: ${messageOf(error)}`;
      throw new AppError('bad-configuration', text, { cause: error });
    }
    logger.warn({ takenAt: lastGood.takenAt }, 'running by the last good configuration');
  }

  async function startWith(deployment: unknown): Promise<void> {
    try {
      const first = await deps.load(deployment);
      await launch(first);
      keepGood(deployment, first);
    } catch (error) {
      // A start that was stopped says nothing of the configuration.
      if (stopped) throw error;
      if (error instanceof AppError) refuse(deployment, error.message);
      await startLastGood(error, deployment);
    }
  }

  /** The deployment is not known: it is a laptop's, or the nucleus does not answer. */
  async function startWithout(): Promise<void> {
    if (kept.lastGood === null) return launch(await deps.load(undefined));
    const reason = `The nucleus has not told the configuration yet; the last good one, of ${kept.lastGood.takenAt}, is in force.`;
    refused = { atMs: time.wallMs(), reason };
    return startLastGood(new AppError('bad-configuration', reason));
  }

  return {
    async start(deployment) {
      await (deployment === undefined ? startWithout() : startWith(deployment));
      isStarted();
    },
    hasLastGood: () => kept.lastGood !== null,
    offer: (deployment) => next(() => apply(deployment)),
    async judge(deployment) {
      const judged = await loaded(deployment);
      return 'problem' in judged ? judged.problem : undefined;
    },
    async stop() {
      stopped = true;
      stopping.abort();
      // Also one that is under way.
      const latest = await launching?.catch(() => undefined);
      await latest?.stop();
    },
  };
}

/** What a deployment says to the component itself; `accessControl` is the nucleus's. */
function ownLayer(deployment: unknown): Tree {
  return without(plainTree(deployment).tree, ['accessControl']);
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
