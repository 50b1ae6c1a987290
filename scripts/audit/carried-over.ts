import { type Breach, correlationIdOf } from './breach.ts';
import { groupBy } from './group-by.ts';
import type { Incident } from './incidents.ts';
import type { Occurrence } from './match.ts';
import type { AuditPolicy } from './policy.ts';

/**
 * Whether an occurrence began before `sinceMs`, from when on the readings are known. It need not be found in them: the
 * rules may have been others. One that begins as a known breach does is judged whatever its stamp, for clocks jump.
 */
export function isCarriedOver(
  { key, startsMs }: Occurrence,
  breaches: readonly Breach[],
  { sinceMs }: AuditPolicy,
): boolean {
  if (startsMs.length === 0 || startsMs.some((start) => start >= sinceMs)) return false;
  return !breaches.some((breach) => correlationIdOf(breach) === key && startsMs.includes(breach.startedAtMs));
}

/** Whether an incident tells of nothing but what was carried over. */
export function isPast({ told }: Incident, carried: readonly Occurrence[]): boolean {
  const ids = new Set(carried.map(({ id }) => id));
  return told.size > 0 && [...told.keys()].every((id) => ids.has(id));
}

/**
 * Breaches that an occurrence with an earlier start may tell of. It can go on into the first breach of its key only:
 * the readings begin in the midst of it, and it ends when that one ends.
 */
export function continuedBy(carried: readonly Occurrence[], breaches: readonly Breach[]): Set<Breach> {
  const byKey = groupBy(breaches, correlationIdOf);
  const continued = new Set<Breach>();
  for (const { key, endsMs } of carried) {
    const [first] = [...(byKey.get(key) ?? [])].sort((a, b) => a.startedAtMs - b.startedAtMs);
    const end = endsMs.at(-1);
    if (first !== undefined && (end === undefined || end > first.startedAtMs)) continued.add(first);
  }
  return continued;
}
