import type { Breach } from './breach.ts';
import type { Incident } from './incidents.ts';
import type { AuditPolicy } from './policy.ts';

export interface WrongState {
  number: string;
  state: string;
  what: string;
}

export const isOpen = ({ state }: Incident) => state === 'New' || state === 'In Progress';

export function wronglyOpen(
  incident: Incident,
  breaches: readonly Breach[] | undefined,
  policy: AuditPolicy,
): WrongState[] {
  if (!isOpen(incident) || policy.onRecovery === 'note') return [];
  const endedAtMs = overSince(incident, breaches);
  if (endedAtMs === undefined || endedAtMs + policy.quietMs > policy.settledUntilMs) return [];
  return [{ number: incident.row.number, state: incident.state, what: 'all its breaches are over' }];
}

export function wronglyResolved(
  incident: Incident,
  breaches: readonly Breach[] | undefined,
  policy: AuditPolicy,
): WrongState[] {
  const { state, resolvedByUs, row } = incident;
  if ((state !== 'Resolved' && state !== 'Closed') || incident.told.size === 0) return [];
  if (policy.people && !resolvedByUs) return [];
  if (overSince(incident, breaches) === undefined) {
    return [{ number: row.number, state, what: 'a breach in it lasts' }];
  }
  if (state === 'Resolved' && !resolvedByUs) {
    return [{ number: row.number, state, what: 'its close notes do not say that the edge resolved it' }];
  }
  return [];
}

/** When the last of its breaches was over, epoch ms; undefined while one lasts. */
function overSince(incident: Incident, breaches: readonly Breach[] = []): number | undefined {
  if (incident.told.size === 0) return undefined;
  let latest = Number.NEGATIVE_INFINITY;
  for (const { endedAtMs, resolvedAtMs } of breaches) {
    if (endedAtMs === null) return undefined;
    latest = Math.max(latest, resolvedAtMs ?? endedAtMs);
  }
  if (breaches.length > 0) return latest;
  // Nothing is known of it but what it says itself.
  for (const told of incident.told.values()) {
    const end = told.endsMs.at(-1);
    if (end === undefined && told.key === incident.row.correlation_id) return undefined;
    latest = Math.max(latest, end ?? latest);
  }
  return latest;
}
