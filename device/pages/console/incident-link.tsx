import type { BreachView } from '../../console/contract.ts';

/** The incident that tells of a breach, or why there is none. */
export function IncidentLink({ breach }: { breach: Pick<BreachView, 'incident' | 'standing'> }) {
  if (breach.incident === null) return <span class="quiet">{breach.standing}</span>;
  return (
    <a href={breach.incident.url} target="_blank" rel="noreferrer">
      {breach.incident.number}
    </a>
  );
}
