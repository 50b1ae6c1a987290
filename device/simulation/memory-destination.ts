import type {
  DestinationFailure,
  DestinationResult,
  IncidentChange,
  IncidentDestination,
  IncidentRow,
  NewIncident,
} from '../incident/destination.ts';
import type { Time } from '../platform/time.ts';

/**
 * An incident table in memory with the traps of a real one: writes whose ends are ambiguous, requests that commit after
 * their connection died, look-ups that show nothing, queries whose parts are dropped.
 */
export interface MemoryDestination extends IncidentDestination {
  readonly rows: IncidentRow[];
  /** Requests so far, by kind. */
  readonly calls: Record<'find' | 'findOpen' | 'create' | 'update' | 'attachmentNames' | 'attach', number>;
  readonly attachments: { sysId: string; name: string }[];
  /** What becomes of the next writes, in order; then all is well. */
  readonly writeFaults: WriteFault[];
  readonly readFaults: DestinationFailure[];
  rights: { read: boolean };
  dropQueryParts: boolean;
  secret: { version: string; accepted: boolean };
  /** A person writes. */
  edit(number: string, change: Partial<IncidentRow>): void;
  delete(number: string): void;
}

export type WriteFault = DestinationFailure | 'commit-then-cut' | 'cut-before-commit' | { commitAfterMs: number };

const cut: DestinationFailure = { ok: false, kind: 'ambiguous', message: 'the connection was cut' };

export function createMemoryDestination(time: Time, instance = 'memory/incident'): MemoryDestination {
  const rows: IncidentRow[] = [];
  const attachments: MemoryDestination['attachments'] = [];
  const calls = { find: 0, findOpen: 0, create: 0, update: 0, attachmentNames: 0, attach: 0 };
  const writeFaults: WriteFault[] = [];
  const readFaults: DestinationFailure[] = [];
  let counter = 0;
  const hex = (n: number) => n.toString(16).padStart(32, '0');
  const copy = (row: IncidentRow): IncidentRow => ({ ...row });

  async function write<T>(commit: () => DestinationResult<T>): Promise<DestinationResult<T>> {
    if (!destination.secret.accepted) {
      return { ok: false, kind: 'refused-destination', cause: 'unauthenticated', message: 'User Not Authenticated' };
    }
    const fault = writeFaults.shift();
    if (fault === undefined) return commit();
    if (fault === 'commit-then-cut') {
      commit();
      return cut;
    }
    if (fault === 'cut-before-commit') return cut;
    if ('commitAfterMs' in fault) {
      time.after(fault.commitAfterMs, () => commit());
      return cut;
    }
    return fault;
  }

  function read<T>(answer: () => T): DestinationResult<T> {
    if (!destination.secret.accepted) {
      return { ok: false, kind: 'refused-destination', cause: 'unauthenticated', message: 'User Not Authenticated' };
    }
    return readFaults.shift() ?? { ok: true, value: answer() };
  }

  function change(row: IncidentRow, wanted: IncidentChange, by: string): void {
    const note = wanted.workNotes;
    if (note !== undefined) row.workNotes = `${time.wallMs()} - ${by} (Work notes)\n${note}\n\n${row.workNotes}`;
    if (wanted.clearClose === true) row.closeNotes = '';
    if (wanted.closeNotes !== undefined) row.closeNotes = wanted.closeNotes;
    if (wanted.state !== undefined) row.state = wanted.state;
    if (wanted.description !== undefined) row.description = wanted.description;
    row.modCount += 1;
    row.updatedAtMs = time.wallMs();
    row.updatedBy = by;
  }

  const destination: MemoryDestination = {
    instance,
    rows,
    calls,
    attachments,
    writeFaults,
    readFaults,
    rights: { read: true },
    dropQueryParts: false,
    secret: { version: 'v1', accepted: true },
    async find(query) {
      calls.find += 1;
      return read(() => {
        const found = rows
          .filter(
            (row) =>
              destination.rights.read &&
              (destination.dropQueryParts ||
                query.correlationIds.includes(row.correlationId) ||
                query.sysIds.includes(row.sysId)),
          )
          .reverse();
        return { rows: found.slice(0, query.limit).map(copy), complete: found.length <= query.limit };
      });
    },
    async findOpen(query) {
      calls.findOpen += 1;
      return read(() => {
        const open = rows.filter(
          (row) =>
            destination.rights.read &&
            (query.sysIds.includes(row.sysId) ||
              (['new', 'in-progress', 'on-hold'].includes(row.state) && row.correlationId.startsWith(query.prefix))),
        );
        return { rows: open.slice(0, query.limit).map(copy), complete: open.length <= query.limit };
      });
    },
    create(incident: NewIncident) {
      calls.create += 1;
      return write(() => {
        counter += 1;
        const row: IncidentRow = {
          sysId: hex(counter),
          number: `INC${String(10_000 + counter).padStart(7, '0')}`,
          state: 'new',
          correlationId: incident.correlationId,
          openedBy: incident.openedBy,
          workNotes: '',
          description: incident.description,
          closeNotes: '',
          urgency: '2',
          assignedTo: '',
          assignmentGroup: '',
          createdAtMs: time.wallMs(),
          updatedAtMs: time.wallMs(),
          updatedBy: 'edge',
          modCount: -1,
        };
        change(row, { workNotes: incident.workNotes }, 'edge');
        rows.push(row);
        return { ok: true, value: copy(row) };
      });
    },
    update(sysId, wanted) {
      calls.update += 1;
      return write<IncidentRow>(() => {
        const row = rows.find((candidate) => candidate.sysId === sysId);
        if (row === undefined) return { ok: false, kind: 'gone', message: 'No Record found' };
        change(row, wanted, 'edge');
        return { ok: true, value: copy(row) };
      });
    },
    async attachmentNames(sysId) {
      calls.attachmentNames += 1;
      return read(() =>
        attachments.filter((one) => destination.rights.read && one.sysId === sysId).map((one) => one.name),
      );
    },
    attach(sysId, file) {
      calls.attach += 1;
      return write<void>(() => {
        attachments.push({ sysId, name: file.name });
        return { ok: true, value: undefined };
      });
    },
    credentialsVersion: () => destination.secret.version,
    reauthenticate: async () => ({ ok: true, version: destination.secret.version }),
    close: async () => {},
    edit(number, wanted) {
      const row = rows.find((candidate) => candidate.number === number);
      if (row === undefined) throw new Error(`no incident ${number}`);
      Object.assign(row, wanted, { modCount: row.modCount + 1, updatedBy: 'person', updatedAtMs: time.wallMs() });
    },
    delete(number) {
      const index = rows.findIndex((candidate) => candidate.number === number);
      if (index >= 0) rows.splice(index, 1);
    },
  };
  return destination;
}
