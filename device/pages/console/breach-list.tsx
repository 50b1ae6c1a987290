import type { BreachView } from '../../console/contract.ts';
import { Instant } from '../shared/instant.tsx';
import { type Column, Table } from '../shared/table.tsx';
import { durationText } from '../shared/time-text.ts';
import { fragmentOf } from './fragment.ts';
import { IncidentLink } from './incident-link.tsx';
import { figure, ruleName } from './labels.ts';

const mostListed = 100;

/** Breaches that last, then the latest, with their incidents and the way back to their curves. */
export function BreachList({ breaches, nowMs }: { breaches: readonly BreachView[]; nowMs: number }) {
  if (breaches.length === 0) return <p class="empty">Nothing has breached a rule.</p>;
  const columns: Column<BreachView>[] = [
    {
      key: 'breach',
      label: 'Breach',
      width: 'wide',
      cell: (breach) => (
        <>
          <strong>{breach.deviceId}</strong> {ruleName(breach)} <span class="quiet">{breach.severity}</span>
        </>
      ),
    },
    {
      key: 'state',
      label: 'State',
      width: 'narrow',
      cell: ({ endedAtMs, endReason, isSilenced }) =>
        endedAtMs === null ? (
          <>
            <span class="badge bad">firing</span> {isSilenced ? <span class="badge">silenced</span> : null}
          </>
        ) : (
          <span class="badge good">{endReason === null || endReason === 'cleared' ? 'ended' : endReason}</span>
        ),
    },
    { key: 'since', label: 'Since', width: 'narrow', cell: ({ startedAtMs }) => <Instant atMs={startedAtMs} /> },
    {
      key: 'lasted',
      label: 'Lasted',
      width: 'narrow',
      cell: ({ startedAtMs, endedAtMs }) => durationText((endedAtMs ?? nowMs) - startedAtMs),
    },
    { key: 'peak', label: 'Peak', numeric: true, cell: ({ peak, unit }) => figure(peak, unit) },
    { key: 'incident', label: 'Incident', cell: (breach) => <IncidentLink breach={breach} /> },
    {
      key: 'curve',
      label: 'Curve',
      width: 'narrow',
      cell: ({ id, deviceId, site }) => (
        <a href={fragmentOf({ device: { site, deviceId }, breachId: id })}>
          Show<span class="only-spoken"> the curve of this breach</span>
        </a>
      ),
    },
  ];
  return (
    <>
      <Table
        caption="Breaches and their incidents"
        columns={columns}
        rows={breaches.slice(0, mostListed)}
        keyOf={({ id }) => id}
      />
      {breaches.length > mostListed ? <p class="quiet">{breaches.length - mostListed} more are not listed.</p> : null}
    </>
  );
}
