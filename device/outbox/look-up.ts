import type { IncidentRow } from '../incident/destination.ts';

export interface Asked {
  correlationIds: readonly string[];
  /** Incidents that these keys are known to have. */
  expected: readonly string[];
  /** Incidents that are known to exist on the instance: the proof that an empty answer is true. */
  known: readonly string[];
}

/**
 * What an answer is worth. An instance drops query parts that it does not understand, and shows nothing to a user who
 * may create but not read; so rows are compared with what was asked, and absence counts only beside a known row.
 */
export type LookUp =
  | { outcome: 'believed'; rows: ReadonlyMap<string, IncidentRow[]> }
  | { outcome: 'truncated' }
  | { outcome: 'mismatch'; row: IncidentRow }
  | { outcome: 'blind' };

export function judge(asked: Asked, answer: { rows: readonly IncidentRow[]; complete: boolean }): LookUp {
  const rows = new Map<string, IncidentRow[]>(asked.correlationIds.map((id) => [id, []]));
  const known = new Set([...asked.known, ...asked.expected]);
  const seen = new Set<string>();
  for (const row of answer.rows) {
    const ofKey = rows.get(row.correlationId);
    if (ofKey === undefined && !known.has(row.sysId)) return { outcome: 'mismatch', row };
    if (seen.has(row.sysId)) continue;
    seen.add(row.sysId);
    ofKey?.push(row);
  }
  if (!answer.complete && asked.correlationIds.length > 1) return { outcome: 'truncated' };
  const somethingIsMissing =
    [...rows.values()].some((list) => list.length === 0) || asked.expected.some((sysId) => !seen.has(sysId));
  // Without a known incident (none was made yet, or a person says that they are gone) absence is believed.
  const proven = asked.known.length === 0 || [...known].some((sysId) => seen.has(sysId));
  if (somethingIsMissing && !proven) return { outcome: 'blind' };
  return { outcome: 'believed', rows };
}
