import { seededRandom } from '../../../device/platform/random.ts';

/** Rounds on one world before the next begins with empty stores: a history that is long, and can still be replayed. */
const roundsOfWorld = 60;

/**
 * Which fault strikes in each round of the world with this seed: all of them once in an order of its own, then again.
 * Those of clocks come last: once a clock was wrong, the order of breaches is not told by their times any more.
 */
export function planOf<F extends { kind: string }>(seed: number, faults: readonly F[]): F[] {
  const random = seededRandom(seed);
  const plan: F[] = [];
  while (plan.length < roundsOfWorld && faults.length > 0) plan.push(...shuffled(faults, random));
  return clocksLast(plan.slice(0, roundsOfWorld));
}

/** One fault of each kind, drawn by the seed. */
export function oneOfEachKind<F extends { kind: string }>(seed: number, faults: readonly F[]): F[] {
  const byKind = new Map(shuffled(faults, seededRandom(seed)).map((fault) => [fault.kind, fault]));
  return clocksLast([...byKind.values()]);
}

function clocksLast<F extends { kind: string }>(plan: readonly F[]): F[] {
  const isOfClock = ({ kind }: F) => kind.startsWith('clock');
  return [...plan.filter((fault) => !isOfClock(fault)), ...plan.filter(isOfClock)];
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
