import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundles } from './bundles.ts';
import { pause } from './eventually.ts';
import type { Fault } from './faults.ts';
import { createJudge, type Judged, type JudgeOptions } from './judge.ts';
import { type Account, type Finding, newAccount } from './round.ts';
import { reopenWindowMs, startWorld } from './world.ts';

export interface PlayedRound {
  fault: string;
  strikes: number;
  kills: number;
  breaches: number;
  ms: number;
  findings: Finding[];
}

export interface RoundsOptions extends Pick<JudgeOptions, 'rightWithinMs'> {
  bundles: Bundles;
  seed: number;
  plan: readonly Fault[];
  /** As of a world. */
  mostCuts?: number;
  isOver?: () => boolean;
  onRound?: (result: PlayedRound) => void;
}

/** The rounds of one world, up to the first in which something did not hold. `kept` is the world's folder, if that came. */
export interface Rounds {
  results: PlayedRound[];
  kept: string | undefined;
}

/** Breaches come and go before a fault strikes, so that it strikes amid them. */
const beforeMs = 400;

export async function playRounds(options: RoundsOptions): Promise<Rounds> {
  const { bundles, seed, plan, isOver, onRound, rightWithinMs, ...limits } = options;
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const world = await startWorld({ folder, bundles, seed, devices: ['a', 'b', 'c'], ...limits });
  const { components, broker, waves } = world;
  const killsNow = () => broker.kills() + components.monitor.kills() + components.handler.kills();
  const judge = createJudge(world, rightWithinMs === undefined ? {} : { rightWithinMs });
  const results: PlayedRound[] = [];
  let kept = false;

  async function play(fault: Fault, account: Account): Promise<Judged> {
    try {
      waves.begin();
      await pause(beforeMs);
      await fault.strike(world, account);
      return await judge.judge(account);
    } catch (error) {
      // It ends this world, and tells of it as of all that does not hold; other worlds go on.
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { findings: [...account.findings, { invariant: 'the round can be played', what }], breaches: 0 };
    }
  }

  try {
    await world.start();
    for (const fault of plan) {
      if (isOver?.() === true) break;
      const [beganMs, killsBefore] = [performance.now(), killsNow()];
      const account = newAccount();
      const { findings, breaches } = await play(fault, account);
      const result: PlayedRound = {
        ...{ fault: fault.name, strikes: account.strikes, kills: killsNow() - killsBefore },
        ...{ breaches, findings, ms: performance.now() - beganMs },
      };
      results.push(result);
      onRound?.(result);
      kept = findings.length > 0;
      if (kept) break;
      // The next round's breaches have incidents of their own.
      await pause(reopenWindowMs);
    }
  } catch (error) {
    kept = true;
    throw error;
  } finally {
    await world.stop();
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
  return { results, kept: kept ? folder : undefined };
}
