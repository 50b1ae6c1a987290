import { type Breach, correlationIdOf } from './breach.ts';
import { groupBy } from './group-by.ts';
import type { Incident } from './incidents.ts';

/** One occurrence id with all that the incidents say of it. */
export interface Occurrence {
  id: string;
  key: string;
  startsMs: readonly number[];
  endsMs: readonly number[];
  endUnknown: boolean;
  incidents: readonly Incident[];
}

export interface Matching {
  /** What tells of each breach, by start. */
  told: ReadonlyMap<Breach, readonly Occurrence[]>;
  /** What tells of no breach. */
  unmatched: readonly Occurrence[];
}

/** All occurrences that these incidents tell of. */
export function occurrencesIn(incidents: readonly Incident[]): Occurrence[] {
  const found = new Map<string, Occurrence>();
  for (const incident of incidents) {
    for (const [id, told] of incident.told) {
      const known = found.get(id);
      found.set(id, {
        id,
        // A breach is listed under its own key by a storm, and by no other incident.
        key: known?.key ?? told.key,
        startsMs: [...new Set([...(known?.startsMs ?? []), ...told.startsMs])],
        endsMs: [...new Set([...(known?.endsMs ?? []), ...told.endsMs])],
        endUnknown: told.endUnknown || known?.endUnknown === true,
        incidents: [...(known?.incidents ?? []), incident],
      });
    }
  }
  return [...found.values()];
}

/**
 * Finds the breach that each occurrence tells of, within its key: the one that begins when it says, before all one
 * that it overlaps (with a wide tolerance several may begin near enough); else one that it overlaps, before all one that
 * nothing else tells of; else one that lasted as long but at another time. Of what nothing else tells of, before all one
 * that had to be told: a wrong clock may stamp it near one that had not.
 */
export function match(breaches: readonly Breach[], occurrences: readonly Occurrence[], toleranceMs: number): Matching {
  const told = new Map<Breach, Occurrence[]>(breaches.map((breach) => [breach, []]));
  const byKey = groupBy(breaches, correlationIdOf);
  const isUntold = (breach: Breach) => told.get(breach)?.length === 0;
  const isMissed = (breach: Breach) => isUntold(breach) && !breach.optional;
  const beginsWhenItSays = (breach: Breach, { startsMs }: Occurrence) =>
    startsMs.some((start) => Math.abs(start - breach.startedAtMs) <= toleranceMs);
  const ways: readonly ((breach: Breach, occurrence: Occurrence) => boolean)[] = [
    (breach, occurrence) => beginsWhenItSays(breach, occurrence) && overlaps(breach, occurrence),
    beginsWhenItSays,
    (breach, occurrence) => isMissed(breach) && overlaps(breach, occurrence),
    (breach, occurrence) => isUntold(breach) && overlaps(breach, occurrence),
    overlaps,
    (breach, occurrence) => isMissed(breach) && isShifted(breach, occurrence, toleranceMs),
    (breach, occurrence) => isUntold(breach) && isShifted(breach, occurrence, toleranceMs),
  ];
  let rest = [...occurrences];
  for (const fits of ways) {
    rest = rest.filter((occurrence) => {
      const candidates = (byKey.get(occurrence.key) ?? []).filter((breach) => fits(breach, occurrence));
      const nearest = candidates.sort((a, b) => distance(a, occurrence) - distance(b, occurrence))[0];
      if (nearest === undefined) return true;
      told.get(nearest)?.push(occurrence);
      return false;
    });
  }
  for (const list of told.values()) list.sort((a, b) => startOf(a) - startOf(b));
  return { told, unmatched: rest };
}

export function startOf({ startsMs }: Occurrence): number {
  return startsMs[0] ?? Number.NaN;
}

/** A start that was corrected is nearer than the one that was told at first. */
function distance({ startedAtMs }: Breach, { startsMs }: Occurrence): number {
  const known = startsMs.filter((start) => !Number.isNaN(start));
  return Math.min(Number.MAX_VALUE, ...known.map((start) => Math.abs(start - startedAtMs)));
}

function overlaps(breach: Breach, occurrence: Occurrence): boolean {
  const from = startOf(occurrence);
  const to = Math.max(from, occurrence.endsMs.at(-1) ?? from);
  const endedAtMs = breach.endedAtMs ?? Number.POSITIVE_INFINITY;
  return from < endedAtMs && (to > breach.startedAtMs || from >= breach.startedAtMs);
}

/** The same end, or the same length, at another time. */
function isShifted({ startedAtMs, endedAtMs }: Breach, occurrence: Occurrence, toleranceMs: number): boolean {
  const end = occurrence.endsMs.at(-1);
  if (end === undefined || endedAtMs === null) return end === undefined && endedAtMs === null;
  const longer = end - startOf(occurrence) - (endedAtMs - startedAtMs);
  return Math.abs(longer) <= toleranceMs || Math.abs(end - endedAtMs) <= toleranceMs;
}
