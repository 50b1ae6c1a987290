/**
 * The port to the incident table, in this project's words; `servicenow/` is its adapter. Every write has ambiguous ends,
 * so each failure says what can be known about it.
 */
export const incidentStates = ['new', 'in-progress', 'on-hold', 'resolved', 'closed', 'canceled'] as const;
export type IncidentState = (typeof incidentStates)[number];

/** One incident as read back. */
export interface IncidentRow {
  sysId: string;
  number: string;
  state: IncidentState;
  correlationId: string;
  /** The occurrence that opened it (field `correlation_display` by default). */
  openedBy: string;
  /** The whole work-notes history as displayed, newest first. */
  workNotes: string;
  description: string;
  closeNotes: string;
  /** `1`–`3`. */
  urgency: string;
  assignedTo: string;
  assignmentGroup: string;
  createdAtMs: number;
  updatedAtMs: number;
  updatedBy: string;
  modCount: number;
}

/** Fields of an incident that is to be created; mapping to the table's names and limits is the adapter's. */
export interface NewIncident {
  correlationId: string;
  openedBy: string;
  shortDescription: string;
  description: string;
  workNotes: string;
  severity: 'low' | 'medium' | 'high' | 'critical';
  /** What templates of configuration (assignment group, cmdb_ci, …) may name. */
  site: string;
  deviceId: string;
  metric: string;
  rule: string;
}

/** Only the fields given are written. */
export interface IncidentChange {
  workNotes?: string;
  shortDescription?: string;
  description?: string;
  severity?: NewIncident['severity'];
  state?: IncidentState;
  closeNotes?: string;
  closeCode?: string;
  /** Overwrites the close fields of an earlier resolution. */
  clearClose?: boolean;
}

/**
 * - `refused-destination`: the instance refuses us altogether (401, no rights, unknown table, hibernation, TLS): pause it.
 * - `refused-record`: this record is refused (business rule, data policy, 400, 413): dead letter.
 * - `throttled`: 429, or 503 with Retry-After; nothing was written.
 * - `not-sent`: the request provably never reached the instance (connection refused, DNS): retry freely.
 * - `ambiguous`: it may have been, or may yet be, committed (time-out, reset, 5xx, unreadable answer).
 * - `gone`: 404 for a record that was addressed.
 */
export type DestinationFailure =
  | { ok: false; kind: 'refused-destination'; cause: 'unauthenticated' | 'forbidden' | 'unusable'; message: string }
  | { ok: false; kind: 'refused-record'; message: string }
  | { ok: false; kind: 'throttled'; retryAfterMs: number; message: string }
  | { ok: false; kind: 'not-sent'; message: string }
  | { ok: false; kind: 'ambiguous'; message: string }
  | { ok: false; kind: 'gone'; message: string };

export type DestinationResult<T> = { ok: true; value: T } | DestinationFailure;

export interface IncidentDestination {
  /** Instance and table, e.g. `https://dev1.service-now.com/incident`: state and outbox belong to one. */
  readonly instance: string;
  /**
   * Rows whose correlation id is one of `correlationIds`, in any state, plus the rows `sysIds`, newest first, in one
   * request of at most `limit` rows. `complete` is false where there may be more. The answer is given as it came: the
   * caller compares each row with what was asked.
   */
  find(query: {
    correlationIds: readonly string[];
    sysIds: readonly string[];
    limit: number;
  }): Promise<DestinationResult<{ rows: IncidentRow[]; complete: boolean }>>;
  /**
   * Rows in state New, In Progress or On Hold whose correlation id starts with `prefix`, plus the rows `sysIds` in any
   * state, in one request of at most `limit` rows. The answer is given as it came.
   */
  findOpen(query: {
    prefix: string;
    sysIds: readonly string[];
    limit: number;
  }): Promise<DestinationResult<{ rows: IncidentRow[]; complete: boolean }>>;
  create(incident: NewIncident): Promise<DestinationResult<IncidentRow>>;
  update(sysId: string, change: IncidentChange): Promise<DestinationResult<IncidentRow>>;
  attachmentNames(sysId: string): Promise<DestinationResult<string[]>>;
  attach(
    sysId: string,
    file: { name: string; contentType: string; bytes: Uint8Array },
  ): Promise<DestinationResult<void>>;
  /** Version of the secret that the latest request used; undefined before the first. */
  credentialsVersion(): string | undefined;
  /** Drops cached credentials and tokens, and reads the secret anew; answers its version. */
  reauthenticate(): Promise<{ ok: true; version: string } | { ok: false; message: string }>;
  close(): Promise<void>;
}
