import { Instant } from '../shared/instant.tsx';
import { type Column, Table } from '../shared/table.tsx';
import { parseInstanceTime } from '../shared/time-text.ts';
import { IncidentLink } from './incident-link.tsx';
import type { IncidentRecord } from './incident-record.tsx';
import { fieldOf, type Row } from './instance-api.ts';
import { usePage } from './page-context.tsx';
import { PriorityBadge, StateBadge } from './state-badges.tsx';

const columns: readonly Column<Row>[] = [
  { key: 'number', label: 'Number', width: 'narrow', cell: (row) => <IncidentLink incident={row} /> },
  {
    key: 'short_description',
    label: 'Short description',
    width: 'wide',
    cell: (row) => fieldOf(row, 'short_description').display,
  },
  { key: 'priority', label: 'Priority', cell: (row) => <PriorityBadge incident={row} /> },
  { key: 'state', label: 'State', cell: (row) => <StateBadge incident={row} /> },
  {
    key: 'sys_updated_on',
    label: 'Updated',
    width: 'narrow',
    cell: (row) => <Instant atMs={parseInstanceTime(fieldOf(row, 'sys_updated_on').value)} />,
  },
];

/** Incidents of the same key or on the same item, the parent and the children. */
export function RelatedRecords({ record: { incident, related } }: { record: IncidentRecord }) {
  const { go } = usePage();
  const fact = (label: string, field: string) => (
    <div class="fact">
      <dt>{label}</dt>
      <dd>{fieldOf(incident, field).display || '–'}</dd>
    </div>
  );
  return (
    <div class="stack">
      <dl class="facts">
        {fact('Parent incident', 'parent_incident')}
        {fact('Configuration item', 'cmdb_ci')}
        {fact('Correlation ID', 'correlation_id')}
        {fact('Correlation display', 'correlation_display')}
      </dl>
      {related.length === 0 ? (
        <p class="empty">No other incident has this parent, configuration item or correlation ID.</p>
      ) : (
        <Table
          caption="Related incidents"
          columns={columns}
          rows={related}
          keyOf={(row) => fieldOf(row, 'sys_id').value}
          onOpen={(row) => go({ page: 'incident', name: fieldOf(row, 'sys_id').value })}
        />
      )}
    </div>
  );
}
