import { availableParallelism } from 'node:os';
import { buildBundles } from './bundles.ts';
import { type Fault, faults } from './faults.ts';
import { planOf } from './plan.ts';
import { type PlayedRound, playRounds } from './play-rounds.ts';
import type { Finding } from './round.ts';
import { mayMount } from './small-disk.ts';
import { playStorm, stormName } from './storm.ts';

export interface ProcessesOptions {
  /** Of the first world; each next one has the next number. */
  seed: number;
  rounds: number;
  /** Only faults with this in their name; undefined for all. */
  fault: string | undefined;
  /** As of a world. */
  mostCuts: number;
  isOver: () => boolean;
  onProgress: (totals: ProcessesTotals) => void;
}

export interface Violation extends Finding {
  seed: number;
  /** Of its world, from 1. */
  round: number;
  fault: string;
  /** Folder of the world, as it was left. */
  folder: string;
  /** Options that play the world again up to this round. */
  again: string;
}

export interface ProcessesTotals {
  rounds: number;
  kills: number;
  strikes: number;
  breaches: number;
  violations: Violation[];
  byFault: Map<string, FaultTotals>;
}

export interface FaultTotals {
  rounds: number;
  strikes: number;
  kills: number;
  breaches: number;
  violations: number;
  /** Time that its rounds took, ms. */
  ms: number;
}

/** A storm needs minutes, a round seconds: one storm for so many worlds. */
const worldsOfStorm = 5;
/** Rounds are mostly waiting: that of one world is the work of another. */
const worldsAtOnce = Math.ceil(1.5 * availableParallelism());
/** Enough to see what is wrong. */
const mostFailedWorlds = 10;

/** What is not played as it would be elsewhere, as sentences. */
export const reservations: readonly string[] = mayMount
  ? []
  : [
      'Disks are full and read-only by word of the code that is loaded before the component: mounting real ones needs root.',
    ];

/** World after world, each up to its first violation. */
export async function runProcesses(options: ProcessesOptions): Promise<ProcessesTotals> {
  const { seed: firstSeed, rounds, fault: wanted, mostCuts, onProgress } = options;
  const chosen = faults.filter(({ name }) => wanted === undefined || name.includes(wanted));
  const withStorm = wanted === undefined || stormName.includes(wanted);
  const totals: ProcessesTotals = { rounds: 0, kills: 0, strikes: 0, breaches: 0, violations: [], byFault: new Map() };
  const isOver = () => totals.rounds >= rounds || options.isOver();
  const bundles = await buildBundles();

  function add({ fault, strikes, kills, breaches, findings, ms }: PlayedRound): void {
    const of = totals.byFault.get(fault) ?? { rounds: 0, strikes: 0, kills: 0, breaches: 0, violations: 0, ms: 0 };
    totals.byFault.set(fault, of);
    for (const sum of [totals, of]) {
      sum.rounds += 1;
      sum.strikes += strikes;
      sum.kills += kills;
      sum.breaches += breaches;
    }
    of.violations += findings.length;
    of.ms += ms;
    onProgress(totals);
  }

  async function playWorld(seed: number, plan: readonly Fault[]): Promise<boolean> {
    const { results, kept } = await playRounds({ bundles, seed, plan, mostCuts, isOver, onRound: add });
    const last = results.at(-1);
    if (kept === undefined || last === undefined) return true;
    const only = wanted === undefined ? '' : ` --fault ${JSON.stringify(wanted)}`;
    const again = `--processes --seed ${seed} --rounds ${results.length}${only}`;
    const where = { seed, round: results.length, fault: last.fault, folder: kept, again };
    totals.violations.push(...last.findings.map((finding) => ({ ...where, ...finding })));
    return false;
  }

  async function playOneStorm(seed: number): Promise<boolean> {
    const { result, kept } = await playStorm({ bundles, seed });
    add(result);
    if (kept === undefined) return true;
    const where = { seed, round: 1, fault: result.fault, folder: kept };
    const again = `--processes --fault ${JSON.stringify(stormName)} --seed ${seed} --rounds 1`;
    totals.violations.push(...result.findings.map((finding) => ({ ...where, again, ...finding })));
    return false;
  }

  let begun = 0;
  let failed = 0;
  let nextSeed = firstSeed;
  async function playWorlds(): Promise<void> {
    while (!isOver() && failed < mostFailedWorlds && (begun < rounds || chosen.length === 0)) {
      const seed = nextSeed;
      nextSeed += 1;
      const isStormy = withStorm && (chosen.length === 0 || (seed - firstSeed) % worldsOfStorm === worldsOfStorm - 1);
      const plan = planOf(seed, chosen).slice(0, rounds - begun);
      begun += plan.length;
      if (plan.length > 0 && !(await playWorld(seed, plan))) failed += 1;
      if (isStormy && !isOver() && !(await playOneStorm(seed))) failed += 1;
      if (chosen.length === 0 && !withStorm) break;
    }
  }

  try {
    await Promise.all(Array.from({ length: wanted === stormName ? 1 : worldsAtOnce }, playWorlds));
    return totals;
  } finally {
    await bundles.remove();
  }
}
