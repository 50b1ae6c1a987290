import type { IncidentChange, IncidentDestination, IncidentRow } from '../../../device/incident/destination.ts';
import type { Clock } from '../../../device/platform/time.ts';

/** An incident table in memory that answers at once. */
export interface IncidentTable extends IncidentDestination {
  /** Incidents that are not resolved. */
  open(): number;
}

/** Of a key; an instance archives older ones, and what is looked up is among these. */
const rowsKept = 3;

/** It keeps the latest incidents of each key, so that it takes as long after a million as at the first. */
export function createIncidentTable(clock: Pick<Clock, 'wallMs'>): IncidentTable {
  const byKey = new Map<string, IncidentRow[]>();
  const bySysId = new Map<string, IncidentRow>();
  let created = 0;

  function change(row: IncidentRow, wanted: IncidentChange): IncidentRow {
    const atMs = clock.wallMs();
    if (wanted.workNotes !== undefined) row.workNotes = `${wanted.workNotes}\n\n${row.workNotes}`;
    if (wanted.clearClose === true) row.closeNotes = '';
    if (wanted.closeNotes !== undefined) row.closeNotes = wanted.closeNotes;
    if (wanted.state !== undefined) row.state = wanted.state;
    if (wanted.description !== undefined) row.description = wanted.description;
    row.modCount += 1;
    row.updatedAtMs = atMs;
    return { ...row };
  }

  function keep(row: IncidentRow): void {
    const rows = byKey.get(row.correlationId) ?? [];
    byKey.set(row.correlationId, rows);
    bySysId.set(row.sysId, row);
    rows.unshift(row);
    for (const { sysId } of rows.splice(rowsKept)) bySysId.delete(sysId);
  }

  return {
    instance: 'bench/incident',
    open: () => [...bySysId.values()].filter(({ state }) => state !== 'resolved').length,
    async find({ correlationIds, sysIds, limit }) {
      const ofKeys = correlationIds.flatMap((correlationId) => byKey.get(correlationId) ?? []);
      const rows = new Set([...ofKeys, ...sysIds.flatMap((sysId) => bySysId.get(sysId) ?? [])]);
      return {
        ok: true,
        value: { rows: [...rows].slice(0, limit).map((row) => ({ ...row })), complete: rows.size <= limit },
      };
    },
    async findOpen({ prefix, sysIds, limit }) {
      const rows = [...bySysId.values()].filter(
        ({ state, correlationId, sysId }) =>
          (state !== 'resolved' && correlationId.startsWith(prefix)) || sysIds.includes(sysId),
      );
      return {
        ok: true,
        value: { rows: rows.slice(0, limit).map((row) => ({ ...row })), complete: rows.length <= limit },
      };
    },
    async create({ correlationId, openedBy, description, workNotes }) {
      created += 1;
      const atMs = clock.wallMs();
      const row: IncidentRow = {
        ...{ sysId: created.toString(16).padStart(32, '0'), number: `INC${String(created).padStart(7, '0')}` },
        ...{ state: 'new', correlationId, openedBy, workNotes, description, closeNotes: '', urgency: '2' },
        ...{ assignedTo: '', assignmentGroup: '', createdAtMs: atMs, updatedAtMs: atMs },
        ...{ updatedBy: 'edge', modCount: 0 },
      };
      keep(row);
      return { ok: true, value: { ...row } };
    },
    async update(sysId, wanted) {
      const row = bySysId.get(sysId);
      if (row === undefined) return { ok: false, kind: 'gone', message: `there is no ${sysId}` };
      return { ok: true, value: change(row, wanted) };
    },
    attachmentNames: async () => ({ ok: true, value: [] }),
    attach: async () => ({ ok: true, value: undefined }),
    credentialsVersion: () => 'bench',
    reauthenticate: async () => ({ ok: true, version: 'bench' }),
    close: async () => {},
  };
}
