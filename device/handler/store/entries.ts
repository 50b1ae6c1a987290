import { z } from 'zod';
import type { Occurrence } from '../../incident/occurrence.ts';
import { type Entry, type EntryKind, entryKinds } from '../../outbox/entry.ts';
import type { Store } from '../../platform/sqlite.ts';
import type { Clock } from '../../platform/time.ts';

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
const columns = Object.keys(entryRow.shape).join(', ');
const occurrenceIdRow = z.object({ occurrence_id: z.string() });
const deviceRow = z.object({ site: z.string(), device_id: z.string() });
const openKeyRow = z.object({ correlation_id: z.string(), sending: z.number() });
const asideRow = z.object({
  id: z.number(),
  instance: z.string(),
  kind: z.enum(entryKinds),
  correlation_id: z.string(),
});
const quietRow = z.object({
  id: z.number(),
  correlation_id: z.string(),
  due_at: z.number(),
  at: z.string(),
  boot_id: z.string(),
  monotonic_ms: z.number(),
});
const countRow = z.object({ n: z.number() });
const sinceRow = z.object({ since: z.number().nullable() });

/** The instant that a device's last word speaks of: epoch ms, and by the monotonic clock of its boot where that is known. */
export interface Said {
  atMs: number;
  boot?: { id: string; monotonicMs: number };
  /** It was sent when it was said, and is never sent again: a heartbeat or roll call. What is said later is newer. */
  isLive?: boolean;
}

/** A key in the outbox: entries that a look-up goes through; more wait behind them. */
const entriesAtATime = 50;

/** Of a breach that fires under a silence only what tells its end is told. */
const isTold = `NOT (state = 'waiting' AND kind IN ('open', 'chart', 'update') AND EXISTS (
  SELECT 1 FROM occurrence WHERE instance = entry.instance AND id = entry.occurrence_id AND silenced = 1 AND phase = 'firing'
))`;

/** What is to be told to one instance. `clock` is real time; without one, since when an entry waits is not known. */
export function entriesOf(db: Store, instance: string, clock?: Pick<Clock, 'wallMs'>) {
  const now = () => (clock === undefined ? null : Math.round(clock.wallMs()));
  /** Whether anything may wait for its quiet period: mostly nothing does, and every message and heartbeat would ask. */
  let mayBeInQuiet = true;
  const sql = {
    add: db.prepare(
      `INSERT INTO entry (instance, correlation_id, occurrence_id, kind, site, device_id, due_at, waits_since)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    dropWaiting: db.prepare(
      "DELETE FROM entry WHERE instance = ? AND occurrence_id = ? AND kind = ? AND state = 'waiting'",
    ),
    dropQuiet: db.prepare(
      "DELETE FROM entry WHERE instance = ? AND correlation_id = ? AND kind = 'resolve' AND state = 'waiting' AND due_at > ? RETURNING occurrence_id",
    ),
    // What a silence holds back is as if it were not there, but an attempt whose end is not known is looked up.
    ofKey: db.prepare(
      `SELECT ${columns} FROM entry WHERE instance = ? AND correlation_id = ? AND state <> 'aside' AND ${isTold}
       ORDER BY id LIMIT ${entriesAtATime}`,
    ),
    next: db.prepare(
      `SELECT ${columns} FROM entry
       WHERE instance = ? AND correlation_id = ? AND due_at IS NULL AND state <> 'aside' AND ${isTold} ORDER BY id LIMIT 1`,
    ),
    inQuiet: db.prepare(
      `SELECT entry.id, entry.correlation_id, due_at, json_extract(message, '$.at') AS at,
         json_extract(message, '$.bootId') AS boot_id, json_extract(message, '$.monotonicMs') AS monotonic_ms
       FROM entry JOIN occurrence ON occurrence.instance = entry.instance AND occurrence.id = occurrence_id
       WHERE entry.instance = ? AND entry.site = ? AND entry.device_id = ? AND due_at IS NOT NULL`,
    ),
    endQuietBy: db.prepare(
      'UPDATE entry SET due_at = NULL, waits_since = ? WHERE instance = ? AND correlation_id = ? AND due_at <= ?',
    ),
    endQuiet: db.prepare('UPDATE entry SET due_at = NULL, waits_since = ? WHERE id = ?'),
    anyInQuiet: db.prepare('SELECT 1 FROM entry WHERE instance = ? AND due_at IS NOT NULL LIMIT 1'),
    quietDevices: db.prepare('SELECT DISTINCT site, device_id FROM entry WHERE instance = ? AND due_at IS NOT NULL'),
    openKeys: db.prepare(
      `SELECT correlation_id, sum(state = 'sending') AS sending FROM entry
       WHERE instance = ? AND state <> 'aside' GROUP BY correlation_id ORDER BY min(id)`,
    ),
    setSending: db.prepare("UPDATE entry SET state = 'sending', attempts = attempts + 1 WHERE id = ?"),
    setWaiting: db.prepare("UPDATE entry SET state = 'waiting', error = NULL WHERE id = ?"),
    setDead: db.prepare("UPDATE entry SET state = 'dead', error = ? WHERE id = ?"),
    remove: db.prepare('DELETE FROM entry WHERE id = ?'),
    dead: db.prepare(`SELECT ${columns} FROM entry WHERE instance = ? AND state = 'dead' ORDER BY id`),
    redrive: db.prepare(
      "UPDATE entry SET state = 'waiting', error = NULL WHERE id = ? AND instance = ? AND state = 'dead'",
    ),
    aside: db.prepare("SELECT id, instance, kind, correlation_id FROM entry WHERE state = 'aside' ORDER BY id"),
    putAside: db.prepare("UPDATE entry SET state = 'aside' WHERE instance = ? AND state <> 'aside'"),
    // An attempt may have been open when they were put aside, so each is looked up before anything is written.
    takeBack: db.prepare("UPDATE entry SET state = 'sending' WHERE instance = ? AND state = 'aside'"),
    countOpen: db.prepare("SELECT count(*) AS n FROM entry WHERE instance = ? AND state IN ('waiting', 'sending')"),
    countDead: db.prepare("SELECT count(*) AS n FROM entry WHERE instance = ? AND state = 'dead'"),
    oldest: db.prepare(
      `SELECT min(waits_since) AS since FROM entry
       WHERE instance = ? AND state IN ('waiting', 'sending') AND due_at IS NULL AND ${isTold}`,
    ),
    countAside: db.prepare("SELECT count(*) AS n FROM entry WHERE state = 'aside'"),
  };
  const count = (statement: { get(...values: unknown[]): unknown }, ...values: unknown[]) =>
    countRow.parse(statement.get(...values)).n;

  return {
    /** Adds an entry unless the breach has one of this kind that is still to be told. */
    addEntry(occurrence: Occurrence, kind: EntryKind, dueAtMs: number | null = null): void {
      const { site, deviceId } = occurrence.message;
      mayBeInQuiet ||= dueAtMs !== null;
      sql.add.run(instance, occurrence.correlationId, occurrence.id, kind, site, deviceId, dueAtMs, now());
    },
    dropWaiting(occurrenceId: string, kind: EntryKind): void {
      sql.dropWaiting.run(instance, occurrenceId, kind);
    },
    /**
     * Drops resolutions that still wait for their quiet period at event time `atMs`; an attempt under way is not among
     * them. Answers their breaches.
     */
    dropQuietResolves(correlationId: string, atMs: number): string[] {
      if (!mayBeInQuiet) return [];
      return sql.dropQuiet.all(instance, correlationId, atMs).map((row) => occurrenceIdRow.parse(row).occurrence_id);
    },
    /** What of a key has waited for its quiet period until event time `atMs` is due for good, before what comes after it. */
    endQuietBy(correlationId: string, atMs: number): void {
      if (mayBeInQuiet) sql.endQuietBy.run(now(), instance, correlationId, atMs);
    },
    /** Entries of a key in the order in which they are told; without what a silence holds back. */
    entriesOf: (correlationId: string): Entry[] => sql.ofKey.all(instance, correlationId).map(entryOf),
    /** The first entry of a key that does not wait for its quiet period; what a silence holds back is passed over. */
    nextEntry(correlationId: string): Entry | undefined {
      const row = sql.next.get(instance, correlationId);
      return row === undefined ? undefined : entryOf(row);
    },
    /** Keys with an entry whose quiet period is over at that instant of the device's time; it is then due for good. */
    releaseQuiet(site: string, deviceId: string, said: Said): string[] {
      if (!mayBeInQuiet) return [];
      const over = sql.inQuiet
        .all(instance, site, deviceId)
        .map((raw) => quietRow.parse(raw))
        .filter((entry) => isQuietOver(entry, said));
      for (const { id } of over) sql.endQuiet.run(now(), id);
      return [...new Set(over.map((entry) => entry.correlation_id))];
    },
    /** Whether anything waits for its quiet period. Not to be asked in a transaction: one rolled back brings entries back. */
    isAnyInQuiet(): boolean {
      mayBeInQuiet &&= sql.anyInQuiet.get(instance) !== undefined;
      return mayBeInQuiet;
    },
    /** Devices that have an entry waiting for its quiet period. */
    devicesInQuiet: (): { site: string; deviceId: string }[] =>
      sql.quietDevices.all(instance).map((raw) => {
        const row = deviceRow.parse(raw);
        return { site: row.site, deviceId: row.device_id };
      }),
    /** Every key that has something to tell, oldest first, with whether an attempt of it is open. */
    openKeys: (): { correlationId: string; attemptOpen: boolean }[] =>
      sql.openKeys.all(instance).map((raw) => {
        const row = openKeyRow.parse(raw);
        return { correlationId: row.correlation_id, attemptOpen: row.sending > 0 };
      }),
    beginAttempt(entryId: number): void {
      sql.setSending.run(entryId);
    },
    abandonAttempt(entryId: number): void {
      sql.setWaiting.run(entryId);
    },
    finishEntry(entryId: number): void {
      sql.remove.run(entryId);
    },
    bury(entryId: number, error: string): void {
      sql.setDead.run(error.slice(0, 1_000), entryId);
    },
    /** Since when the oldest of what is due waits, epoch ms; null where nothing does, or it is not known. */
    oldestWaitsSince: (): number | null => sinceRow.parse(sql.oldest.get(instance)).since,
    deadLetters: (): Entry[] => sql.dead.all(instance).map(entryOf),
    /** Makes dead letters wait again; answers their keys. */
    redrive(entryIds: readonly number[] | 'all'): string[] {
      const chosen = sql.dead
        .all(instance)
        .map(entryOf)
        .filter((letter) => entryIds === 'all' || entryIds.includes(letter.id));
      return chosen
        .filter((letter) => sql.redrive.run(letter.id, instance).changes > 0)
        .map((letter) => letter.correlationId);
    },
    /** Entries that belong to instances which are not served any more. */
    asideEntries: (): { id: number; instance: string; kind: EntryKind; correlationId: string }[] =>
      sql.aside.all().map((raw) => {
        const row = asideRow.parse(raw);
        return { id: row.id, instance: row.instance, kind: row.kind, correlationId: row.correlation_id };
      }),
    /** Puts aside what is to be told to `other`; answers how many entries that are. */
    putAside: (other: string): number => sql.putAside.run(other).changes,
    /** This instance is served again: what was put aside is told after all. */
    takeBackAside(): void {
      sql.takeBack.run(instance);
    },
    countEntries: () => ({
      entries: count(sql.countOpen, instance),
      dead: count(sql.countDead, instance),
      aside: count(sql.countAside),
    }),
  };
}

/**
 * By event time; within a boot also by its monotonic clock, which goes on where a clock that was ahead is set back. Where
 * it was set back by a reboot, as what is said live before the recovery tells, at latest once that boot lasts as long.
 */
function isQuietOver(entry: z.infer<typeof quietRow>, { atMs, boot, isLive }: Said): boolean {
  if (entry.due_at <= atMs) return true;
  const recoveredMs = Date.parse(entry.at);
  const quietMs = entry.due_at - recoveredMs;
  if (boot?.id === entry.boot_id) return boot.monotonicMs - entry.monotonic_ms >= quietMs;
  return boot !== undefined && isLive === true && atMs < recoveredMs && boot.monotonicMs >= quietMs;
}

function entryOf(raw: unknown): Entry {
  const row = entryRow.parse(raw);
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
