import { type Breach, correlationIdOf } from './breach.ts';
import type { AttachmentRow, IncidentRow, JournalRow } from './incidents.ts';

/** For tests: an instance's tables, and incidents as the edge writes them. */
export interface Told {
  rows: IncidentRow[];
  journal: JournalRow[];
  attachments: AttachmentRow[];
}

export function hexId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

const iso = (ms: number) => new Date(ms).toISOString();

/** An instant as an instance shows it. */
export const shown = (ms: number) => iso(ms).slice(0, 19).replace('T', ' ');

export function breachLineOf(id: string, { startedAtMs, endedAtMs }: Breach, lasting = false): string {
  return `breach ${id} start=${iso(startedAtMs)} end=${endedAtMs === null || lasting ? '-' : iso(endedAtMs)}`;
}

/** Writes incidents into `told`; ids count up. Event time and the instance's clock are the same. */
export function teller(told: Told) {
  let ids = 0;
  const nextId = () => {
    ids += 1;
    return hexId(ids);
  };

  function note(row: IncidentRow, atMs: number, value: string): void {
    told.journal.push({
      sys_id: nextId(),
      element_id: row.sys_id,
      element: 'work_notes',
      value,
      sys_created_on: shown(atMs),
    });
  }

  /** A new incident for a breach; answers the row and the id of the occurrence. */
  function open(breach: Breach, id = nextId()): { row: IncidentRow; id: string } {
    const row: IncidentRow = {
      sys_id: nextId(),
      number: `INC${String(told.rows.length + 10_001).padStart(7, '0')}`,
      state: '1',
      correlation_id: correlationIdOf(breach),
      correlation_display: id,
      short_description: `[HIGH] ${breach.deviceId} ${breach.metric} 31.4 °C, above 30 °C`,
      description: `It is too warm.\n\nDevice: ${breach.deviceId}\n\n${breachLineOf(id, breach, true)}`,
      close_notes: '',
      opened_at: shown(breach.firedAtMs),
      resolved_at: '',
      sys_created_on: shown(breach.firedAtMs),
    };
    told.rows.push(row);
    note(row, breach.firedAtMs, `Opened by the edge.\n\n${breachLineOf(id, breach, true)}\n\n[${id}:1]`);
    told.attachments.push({ sys_id: nextId(), table_sys_id: row.sys_id, file_name: `breach-${id}-1.png` });
    return { row, id };
  }

  /** A later breach of the key in an incident that it reopens or joins. */
  function again(row: IncidentRow, breach: Breach, id = nextId()): string {
    row.state = '2';
    row.close_notes = '';
    note(row, breach.firedAtMs, `Breaching again: too warm.\n\n${breachLineOf(id, breach, true)}\n\n[${id}:1]`);
    return id;
  }

  function recovered(row: IncidentRow, breach: Breach, id: string): void {
    note(row, breach.resolvedAtMs ?? 0, `Recovered at 29 °C: all well.\n\n${breachLineOf(id, breach)}\n\n[${id}:3]`);
  }

  function resolved(row: IncidentRow, breach: Breach, id: string): void {
    row.state = '6';
    row.close_notes = `Recovered at 29 °C: all well.\n\n${breachLineOf(id, breach)}\n\n[${id}:3]`;
    row.resolved_at = shown(breach.resolvedAtMs ?? 0);
  }

  /** All of a breach, from its incident to its resolution as far as it has come. */
  function tell(breach: Breach): { row: IncidentRow; id: string } {
    const opened = open(breach);
    if (breach.endedAtMs !== null) {
      recovered(opened.row, breach, opened.id);
      resolved(opened.row, breach, opened.id);
    }
    return opened;
  }

  return { nextId, note, open, again, recovered, resolved, tell };
}

export function emptyInstance(): Told {
  return { rows: [], journal: [], attachments: [] };
}

/** A breach of a device's temperature limit, from and to in minutes of a day. */
export function breachFrom(startMinute: number, endMinute: number | null, of: Partial<Breach> = {}): Breach {
  const dayMs = Date.UTC(2026, 0, 5);
  const endedAtMs = endMinute === null ? null : dayMs + endMinute * 60_000;
  return {
    site: 'home',
    deviceId: 'pi',
    metric: 'temperature',
    rule: 'upper',
    startedAtMs: dayMs + startMinute * 60_000,
    endedAtMs,
    firedAtMs: dayMs + (startMinute + 1) * 60_000,
    resolvedAtMs: endedAtMs,
    optional: false,
    ...of,
  };
}
