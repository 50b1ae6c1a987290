import { z } from 'zod';
import { type AnomalyMessage, anomalyMessage, severities } from '../anomaly/anomaly.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { type Entry, type EntryKind, entryKinds } from '../outbox/entry.ts';
import { type Migration, openStore, type Store, transaction } from '../platform/sqlite.ts';

/**
 * The handler's one file. What was accepted, where its incident stands, and what is still to be told are in one store,
 * so that they change in one transaction.
 *
 * | table       | a row is                                                        | bounded by                     |
 * |-------------|-----------------------------------------------------------------|--------------------------------|
 * | meta        | a value of the store itself                                     | names                          |
 * | device      | a device that has spoken, with its installation                 | devices                        |
 * | high_water  | the highest sequence accepted of a key of an installation       | keys of living installations   |
 * | occurrence  | a breach                                                        | open ones, and the retention   |
 * | entry       | a thing to be told about a breach                               | six a breach, gone once told   |
 * | known_row   | an incident that is known to exist on an instance               | 5 an instance                  |
 * | rejected    | a message that was refused                                      | configuration                  |
 */
const migrations: readonly Migration[] = [
  {
    version: 1_000,
    sql: `
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE device (
        site TEXT NOT NULL, device_id TEXT NOT NULL, installation_id TEXT NOT NULL, installation_created_at TEXT NOT NULL,
        PRIMARY KEY (site, device_id)
      ) WITHOUT ROWID;
      CREATE TABLE high_water (
        installation_id TEXT NOT NULL, correlation_id TEXT NOT NULL, sequence INTEGER NOT NULL,
        PRIMARY KEY (installation_id, correlation_id)
      ) WITHOUT ROWID;
      CREATE TABLE occurrence (
        instance TEXT NOT NULL, id TEXT NOT NULL, correlation_id TEXT NOT NULL,
        site TEXT NOT NULL, device_id TEXT NOT NULL, rule TEXT NOT NULL,
        phase TEXT NOT NULL, place TEXT NOT NULL, sys_id TEXT, number TEXT, message TEXT NOT NULL,
        told_severity TEXT, noted_at INTEGER NOT NULL DEFAULT 0, updates_since_note INTEGER NOT NULL DEFAULT 0,
        held_by TEXT, listed INTEGER NOT NULL DEFAULT 0, ended_order INTEGER,
        PRIMARY KEY (instance, id)
      ) WITHOUT ROWID;
      CREATE INDEX occurrence_firing ON occurrence (site, device_id) WHERE phase = 'firing';
      CREATE INDEX occurrence_key ON occurrence (instance, correlation_id);
      CREATE INDEX occurrence_held ON occurrence (held_by) WHERE held_by IS NOT NULL;
      CREATE INDEX occurrence_ended ON occurrence (ended_order) WHERE ended_order IS NOT NULL;
      CREATE TABLE entry (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instance TEXT NOT NULL, correlation_id TEXT NOT NULL, occurrence_id TEXT NOT NULL, kind TEXT NOT NULL,
        site TEXT NOT NULL, device_id TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting', due_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0, error TEXT,
        UNIQUE (instance, occurrence_id, kind)
      );
      CREATE INDEX entry_key ON entry (instance, correlation_id, id);
      CREATE INDEX entry_due ON entry (site, device_id, due_at) WHERE due_at IS NOT NULL;
      CREATE TABLE known_row (
        instance TEXT NOT NULL, sys_id TEXT NOT NULL, number TEXT NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (instance, sys_id)
      ) WITHOUT ROWID;
      CREATE TABLE rejected (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL, payload TEXT NOT NULL
      );
    `,
  },
];

const occurrenceRow = z.object({
  id: z.string(),
  correlation_id: z.string(),
  phase: z.enum(['firing', 'ended']),
  place: z.enum(['wanted', 'attached', 'released', 'held', 'recorded']),
  sys_id: z.string().nullable(),
  number: z.string().nullable(),
  message: z.string(),
  told_severity: z.enum(severities).nullable(),
  noted_at: z.number(),
  updates_since_note: z.number(),
  held_by: z.string().nullable(),
});

const entryRow = z.object({
  id: z.number(),
  correlation_id: z.string(),
  occurrence_id: z.string(),
  kind: z.enum(entryKinds),
  state: z.enum(['waiting', 'sending', 'dead', 'aside']),
  due_at: z.number().nullable(),
  attempts: z.number(),
  error: z.string().nullable(),
});

const countRow = z.object({ n: z.number() });
const correlationRow = z.object({ correlation_id: z.string() });

/** How many incidents are kept as proof that rows can be seen. */
const knownRowsKept = 5;

export type HandlerStore = ReturnType<typeof openHandlerStore>;

/**
 * Opens `<path>` for one instance: rows of other instances are left alone.
 * @throws AppError as `openStore`.
 */
export function openHandlerStore(path: string, instance: string) {
  const db: Store = openStore({ path, migrations, synchronous: 'full' });
  const sql = statements(db);
  const all = <T>(schema: z.ZodType<T>, rows: unknown[]): T[] => rows.map((row) => schema.parse(row));

  return {
    path,
    instance,
    /** Runs `work` in one durable transaction. */
    transaction: <T>(work: () => T): T => transaction(db, work),

    meta(name: string): string | undefined {
      const row = z.object({ value: z.string() }).optional().parse(sql.getMeta.get(name));
      return row?.value;
    },
    setMeta(name: string, value: string): void {
      sql.setMeta.run(name, value);
    },

    /** Whether anything was ever written to this instance from this store: an empty store may be a lost one. */
    hasWritten: () => sql.getMeta.get(`written ${instance}`) !== undefined,
    markWritten: () => {
      sql.setMeta.run(`written ${instance}`, '1');
    },
    /** Changes when another process has written to the file. */
    dataVersion: (): number => z.object({ data_version: z.number() }).parse(sql.dataVersion.get()).data_version,

    installation(site: string, deviceId: string): { id: string; createdAt: string } | undefined {
      const schema = z.object({ installation_id: z.string(), installation_created_at: z.string() }).optional();
      const row = schema.parse(sql.getDevice.get(site, deviceId));
      return row && { id: row.installation_id, createdAt: row.installation_created_at };
    },
    setInstallation(site: string, deviceId: string, installation: { id: string; createdAt: string }): void {
      sql.setDevice.run(site, deviceId, installation.id, installation.createdAt);
    },
    forgetInstallation(id: string): void {
      sql.dropHighWater.run(id);
    },
    devices(): { site: string; deviceId: string }[] {
      const schema = z.object({ site: z.string(), device_id: z.string() });
      return all(schema, sql.listDevices.all()).map((row) => ({ site: row.site, deviceId: row.device_id }));
    },

    highWater(installationId: string, correlationId: string): number {
      const row = z
        .object({ sequence: z.number() })
        .optional()
        .parse(sql.getHighWater.get(installationId, correlationId));
      return row?.sequence ?? 0;
    },
    setHighWater(installationId: string, correlationId: string, sequence: number): void {
      sql.setHighWater.run(installationId, correlationId, sequence);
    },

    occurrence(id: string): Occurrence | undefined {
      const row = sql.getOccurrence.get(instance, id);
      return row === undefined ? undefined : occurrenceOf(row);
    },
    /** Breaches that fire at a device, of the keys that its monitor or the handler itself tells of. */
    firing(site: string, deviceId: string): Occurrence[] {
      return sql.listFiring.all(instance, site, deviceId).map(occurrenceOf);
    },
    firingOf(correlationId: string): Occurrence[] {
      return sql.listFiringOf.all(instance, correlationId).map(occurrenceOf);
    },
    allFiring(): Occurrence[] {
      return sql.listAllFiring.all(instance).map(occurrenceOf);
    },
    putOccurrence(occurrence: Occurrence): void {
      const { message } = occurrence;
      sql.putOccurrence.run(
        instance,
        occurrence.id,
        occurrence.correlationId,
        message.site,
        message.deviceId,
        message.rule,
        occurrence.phase,
        occurrence.place,
        occurrence.incident?.sysId ?? null,
        occurrence.incident?.number ?? null,
        JSON.stringify(message),
        occurrence.toldSeverity,
        occurrence.notedAtMs,
        occurrence.updatesSinceNote,
        occurrence.heldBy,
      );
    },

    /** Breaches that a storm holds: those that its notes have not listed yet (`end` once they have ended). */
    heldUnlisted(stormId: string, limit: number): Occurrence[] {
      return sql.listHeld.all(stormId, limit).map(occurrenceOf);
    },
    markListed(ids: readonly string[]): void {
      for (const id of ids) sql.setListed.run(instance, id);
    },
    countHeld(stormId: string): { firing: number; unlisted: number; all: number } {
      const schema = z.object({ firing: z.number(), unlisted: z.number(), total: z.number() });
      const row = schema.parse(sql.countHeld.get(stormId));
      return { firing: row.firing, unlisted: row.unlisted, all: row.total };
    },

    /** Adds an entry unless the breach has one of this kind that is still to be told. */
    addEntry(occurrence: Occurrence, kind: EntryKind, dueAtMs: number | null = null): void {
      const { site, deviceId } = occurrence.message;
      sql.addEntry.run(instance, occurrence.correlationId, occurrence.id, kind, site, deviceId, dueAtMs);
    },
    dropWaiting(occurrenceId: string, kind: EntryKind): void {
      sql.dropWaiting.run(instance, occurrenceId, kind);
    },
    /** Resolutions that still wait for their quiet period at event time `atMs`; an attempt under way is not among them. */
    dropQuietResolves(correlationId: string, atMs: number): void {
      sql.dropQuiet.run(instance, correlationId, atMs);
    },
    /** Entries of a key in the order in which they are told. */
    entriesOf(correlationId: string): Entry[] {
      return all(entryRow, sql.listEntries.all(instance, correlationId)).map(entryOf);
    },
    /** Keys with an entry whose quiet period is over at `atMs` of the device's event time; it is then due for good. */
    releaseQuiet(site: string, deviceId: string, atMs: number): string[] {
      const due = all(correlationRow, sql.listQuietDue.all(instance, site, deviceId, atMs));
      if (due.length > 0) sql.clearQuietDue.run(instance, site, deviceId, atMs);
      return due.map((row) => row.correlation_id);
    },
    /** Devices that have an entry waiting for its quiet period. */
    devicesInQuiet(): { site: string; deviceId: string }[] {
      const schema = z.object({ site: z.string(), device_id: z.string() });
      return all(schema, sql.listQuietDevices.all(instance)).map((row) => ({
        site: row.site,
        deviceId: row.device_id,
      }));
    },
    /** Every key that has something to tell, oldest first, with whether an attempt of it is open. */
    openKeys(): { correlationId: string; attemptOpen: boolean }[] {
      const schema = z.object({ correlation_id: z.string(), sending: z.number() });
      return all(schema, sql.listKeys.all(instance)).map((row) => ({
        correlationId: row.correlation_id,
        attemptOpen: row.sending > 0,
      }));
    },
    beginAttempt(entryId: number): void {
      sql.setSending.run(entryId);
    },
    abandonAttempt(entryId: number): void {
      sql.setWaiting.run(entryId);
    },
    finishEntry(entryId: number): void {
      sql.deleteEntry.run(entryId);
    },
    bury(entryId: number, error: string): void {
      sql.setDead.run(error.slice(0, 1_000), entryId);
    },
    deadLetters(): (Entry & { occurrence: Occurrence | undefined })[] {
      return all(entryRow, sql.listDead.all(instance)).map((row) => ({
        ...entryOf(row),
        occurrence: this.occurrence(row.occurrence_id),
      }));
    },
    /** Makes dead letters wait again; answers their keys. */
    redrive(entryIds: readonly number[] | 'all'): string[] {
      const letters = this.deadLetters().filter((letter) => entryIds === 'all' || entryIds.includes(letter.id));
      for (const letter of letters) sql.setWaiting.run(letter.id);
      return letters.map((letter) => letter.correlationId);
    },
    counts(): { entries: number; dead: number; aside: number; rejected: number; firing: number } {
      const n = (statement: { get(...values: unknown[]): unknown }, ...values: unknown[]) =>
        countRow.parse(statement.get(...values)).n;
      return {
        entries: n(sql.countEntries, instance),
        dead: n(sql.countDead, instance),
        aside: n(sql.countAside, instance),
        rejected: n(sql.countRejected),
        firing: n(sql.countFiring, instance),
      };
    },

    knownRows(): string[] {
      const schema = z.object({ sys_id: z.string() });
      return all(schema, sql.listKnown.all(instance)).map((row) => row.sys_id);
    },
    addKnownRow(sysId: string, number: string): void {
      sql.addKnown.run(instance, sysId, number, instance);
      sql.trimKnown.run(instance, instance, knownRowsKept);
    },
    forgetKnownRows(): void {
      sql.dropKnown.run(instance);
    },

    putRejected(atMs: number, topic: string, reason: string, payload: string, keep: number): void {
      const id = sql.addRejected.run(atMs, topic.slice(0, 300), reason, payload.slice(0, 8_000)).lastInsertRowid;
      sql.trimRejected.run(Number(id) - keep);
    },
    rejectedMessages(): { at: number; topic: string; reason: string; payload: string }[] {
      const schema = z.object({ at: z.number(), topic: z.string(), reason: z.string(), payload: z.string() });
      return all(schema, sql.listRejected.all());
    },

    /** Marks an ended breach that has nothing left to tell, and drops the oldest beyond `keep`. */
    retire(occurrenceId: string, keep: number): void {
      if (sql.hasEntries.get(instance, occurrenceId) !== undefined) return;
      sql.setRetired.run(instance, occurrenceId);
      sql.trimRetired.run(keep);
    },
    /** Occurrences of other instances whose breach fires, and how many entries of theirs were put aside. */
    leaveOtherInstances(): { firing: Occurrence[]; aside: number } {
      const firing = sql.listFiringElsewhere.all(instance).map(occurrenceOf);
      sql.endElsewhere.run(instance);
      return { firing, aside: sql.asideElsewhere.run(instance).changes };
    },
    asideEntries(): { instance: string; kind: string; correlationId: string }[] {
      const schema = z.object({ instance: z.string(), kind: z.string(), correlation_id: z.string() });
      return all(schema, sql.listAside.all()).map((row) => ({
        instance: row.instance,
        kind: row.kind,
        correlationId: row.correlation_id,
      }));
    },
    recent(limit: number): Occurrence[] {
      return sql.listRecent.all(instance, limit).map(occurrenceOf);
    },
    /** Writes a consistent copy to `target`, which must not exist. */
    backup(target: string): void {
      db.prepare('VACUUM INTO ?').run(target);
    },
    close(): void {
      db.close();
    },
  };
}

function occurrenceOf(raw: unknown): Occurrence {
  const row = occurrenceRow.parse(raw);
  const message: AnomalyMessage = anomalyMessage.parse(JSON.parse(row.message));
  return {
    id: row.id,
    correlationId: row.correlation_id,
    phase: row.phase,
    place: row.place,
    incident: row.sys_id === null || row.number === null ? null : { sysId: row.sys_id, number: row.number },
    message,
    toldSeverity: row.told_severity,
    notedAtMs: row.noted_at,
    updatesSinceNote: row.updates_since_note,
    heldBy: row.held_by,
  };
}

function entryOf(row: z.infer<typeof entryRow>): Entry {
  return {
    id: row.id,
    correlationId: row.correlation_id,
    occurrenceId: row.occurrence_id,
    kind: row.kind,
    state: row.state,
    dueAtMs: row.due_at,
    attempts: row.attempts,
    error: row.error,
  };
}

function statements(db: Store) {
  const occurrenceColumns =
    'id, correlation_id, phase, place, sys_id, number, message, told_severity, noted_at, updates_since_note, held_by';
  const entryColumns = 'id, correlation_id, occurrence_id, kind, state, due_at, attempts, error';
  const occurrences = (where: string) => db.prepare(`SELECT ${occurrenceColumns} FROM occurrence WHERE ${where}`);
  return {
    dataVersion: db.prepare('PRAGMA data_version'),
    getMeta: db.prepare('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    getDevice: db.prepare(
      'SELECT installation_id, installation_created_at FROM device WHERE site = ? AND device_id = ?',
    ),
    setDevice: db.prepare(
      `INSERT INTO device VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET installation_id = excluded.installation_id, installation_created_at = excluded.installation_created_at`,
    ),
    listDevices: db.prepare('SELECT site, device_id FROM device'),
    dropHighWater: db.prepare('DELETE FROM high_water WHERE installation_id = ?'),
    getHighWater: db.prepare('SELECT sequence FROM high_water WHERE installation_id = ? AND correlation_id = ?'),
    setHighWater: db.prepare(
      'INSERT INTO high_water VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)',
    ),
    getOccurrence: occurrences('instance = ? AND id = ?'),
    listFiring: occurrences("instance = ? AND site = ? AND device_id = ? AND phase = 'firing'"),
    listFiringOf: occurrences("instance = ? AND correlation_id = ? AND phase = 'firing'"),
    listAllFiring: occurrences("instance = ? AND phase = 'firing'"),
    listFiringElsewhere: occurrences("instance <> ? AND phase = 'firing'"),
    listRecent: occurrences('instance = ? ORDER BY noted_at DESC LIMIT ?'),
    endElsewhere: db.prepare(
      "UPDATE occurrence SET phase = 'ended', ended_order = 0 WHERE instance <> ? AND phase = 'firing'",
    ),
    putOccurrence: db.prepare(
      `INSERT INTO occurrence (instance, id, correlation_id, site, device_id, rule, phase, place, sys_id, number, message,
         told_severity, noted_at, updates_since_note, held_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET phase = excluded.phase, place = excluded.place, sys_id = excluded.sys_id,
         number = excluded.number, message = excluded.message, told_severity = excluded.told_severity,
         noted_at = excluded.noted_at, updates_since_note = excluded.updates_since_note, held_by = excluded.held_by,
         listed = CASE WHEN phase <> excluded.phase THEN 0 ELSE listed END`,
    ),
    listHeld: occurrences('held_by = ? AND listed = 0 LIMIT ?'),
    setListed: db.prepare('UPDATE occurrence SET listed = 1 WHERE instance = ? AND id = ?'),
    countHeld: db.prepare(
      `SELECT coalesce(sum(phase = 'firing'), 0) AS firing, coalesce(sum(listed = 0), 0) AS unlisted, count(*) AS total
       FROM occurrence WHERE held_by = ?`,
    ),
    addEntry: db.prepare(
      `INSERT INTO entry (instance, correlation_id, occurrence_id, kind, site, device_id, due_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    dropWaiting: db.prepare(
      "DELETE FROM entry WHERE instance = ? AND occurrence_id = ? AND kind = ? AND state = 'waiting'",
    ),
    dropQuiet: db.prepare(
      "DELETE FROM entry WHERE instance = ? AND correlation_id = ? AND kind = 'resolve' AND state = 'waiting' AND due_at > ?",
    ),
    listEntries: db.prepare(
      `SELECT ${entryColumns} FROM entry WHERE instance = ? AND correlation_id = ? AND state <> 'aside' ORDER BY id LIMIT 50`,
    ),
    listQuietDue: db.prepare(
      'SELECT DISTINCT correlation_id FROM entry WHERE instance = ? AND site = ? AND device_id = ? AND due_at <= ?',
    ),
    clearQuietDue: db.prepare(
      'UPDATE entry SET due_at = NULL WHERE instance = ? AND site = ? AND device_id = ? AND due_at <= ?',
    ),
    listQuietDevices: db.prepare(
      'SELECT DISTINCT site, device_id FROM entry WHERE instance = ? AND due_at IS NOT NULL',
    ),
    listKeys: db.prepare(
      `SELECT correlation_id, sum(state = 'sending') AS sending FROM entry
       WHERE instance = ? AND state <> 'aside' GROUP BY correlation_id ORDER BY min(id)`,
    ),
    setSending: db.prepare("UPDATE entry SET state = 'sending', attempts = attempts + 1 WHERE id = ?"),
    setWaiting: db.prepare("UPDATE entry SET state = 'waiting', error = NULL WHERE id = ?"),
    setDead: db.prepare("UPDATE entry SET state = 'dead', error = ? WHERE id = ?"),
    deleteEntry: db.prepare('DELETE FROM entry WHERE id = ?'),
    listDead: db.prepare(`SELECT ${entryColumns} FROM entry WHERE instance = ? AND state = 'dead' ORDER BY id`),
    listAside: db.prepare("SELECT instance, kind, correlation_id FROM entry WHERE state = 'aside' ORDER BY id"),
    asideElsewhere: db.prepare("UPDATE entry SET state = 'aside' WHERE instance <> ? AND state <> 'aside'"),
    countEntries: db.prepare("SELECT count(*) AS n FROM entry WHERE instance = ? AND state IN ('waiting', 'sending')"),
    countDead: db.prepare("SELECT count(*) AS n FROM entry WHERE instance = ? AND state = 'dead'"),
    countAside: db.prepare("SELECT count(*) AS n FROM entry WHERE instance <> ? AND state = 'aside'"),
    countRejected: db.prepare('SELECT count(*) AS n FROM rejected'),
    countFiring: db.prepare("SELECT count(*) AS n FROM occurrence WHERE instance = ? AND phase = 'firing'"),
    listKnown: db.prepare('SELECT sys_id FROM known_row WHERE instance = ? ORDER BY seen DESC'),
    addKnown: db.prepare(
      `INSERT INTO known_row VALUES (?, ?, ?, (SELECT coalesce(max(seen), 0) + 1 FROM known_row WHERE instance = ?))
       ON CONFLICT DO NOTHING`,
    ),
    trimKnown: db.prepare(
      'DELETE FROM known_row WHERE instance = ? AND seen <= (SELECT max(seen) FROM known_row WHERE instance = ?) - ?',
    ),
    dropKnown: db.prepare('DELETE FROM known_row WHERE instance = ?'),
    addRejected: db.prepare('INSERT INTO rejected (at, topic, reason, payload) VALUES (?, ?, ?, ?)'),
    trimRejected: db.prepare('DELETE FROM rejected WHERE id <= ?'),
    listRejected: db.prepare('SELECT at, topic, reason, payload FROM rejected ORDER BY id DESC LIMIT 1000'),
    hasEntries: db.prepare('SELECT 1 FROM entry WHERE instance = ? AND occurrence_id = ? LIMIT 1'),
    setRetired: db.prepare(
      `UPDATE occurrence SET ended_order = (SELECT coalesce(max(ended_order), 0) + 1 FROM occurrence WHERE ended_order IS NOT NULL),
         message = json_set(message, '$.window', json('[]'))
       WHERE instance = ? AND id = ? AND phase = 'ended'`,
    ),
    trimRetired: db.prepare(
      `DELETE FROM occurrence WHERE ended_order IS NOT NULL AND phase = 'ended'
         AND ended_order <= (SELECT max(ended_order) FROM occurrence WHERE ended_order IS NOT NULL) - ?`,
    ),
  };
}
