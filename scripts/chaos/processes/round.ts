import type { Breach } from '../../audit/breach.ts';

/** Something that must hold, and does not. */
export interface Finding {
  invariant: string;
  what: string;
}

/** What a fault says of itself, for the judge of its round. */
export interface Account {
  monitorLossesMs: number[];
  handlerLossesMs: number[];
  /** How long the monitor may have stored nothing of what it published, killed before its write again and again. */
  unstoredMs: number;
  /** What people made of incidents, by sys_id: these fields keep these values. */
  decided: Map<string, Readonly<Record<string, string>>>;
  /** Breaches as they can be known: without a time where clocks were wrong, optional where nobody could write them down. */
  excuse: (breach: Breach) => Breach;
  /** Whether a clock was wrong: from then on the times of breaches tell neither their order nor what came before. */
  clockWasWrong: boolean;
  /** The handler's own rules that may have incidents. */
  handlerRules: readonly string[];
  /** What the fault itself saw go wrong. */
  findings: Finding[];
  /** Torn writes, fired faults and the like, for the table. */
  strikes: number;
}

export function newAccount(): Account {
  return {
    ...{ monitorLossesMs: [], handlerLossesMs: [], unstoredMs: 0, decided: new Map(), findings: [], strikes: 0 },
    ...{ excuse: (breach: Breach) => breach, clockWasWrong: false, handlerRules: [] },
  };
}
