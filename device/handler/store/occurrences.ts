import { z } from 'zod';
import { type AnomalyMessage, severities } from '../../anomaly/anomaly.ts';
import type { Occurrence } from '../../incident/occurrence.ts';
import type { Store } from '../../platform/sqlite.ts';
import { createMessageTexts } from './message-texts.ts';

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
  silenced: z.union([z.literal(0), z.literal(1), z.literal(2)]),
});
/** What is stored for each: see the schema. */
const silenceCodes = { none: 0, holds: 1, lifted: 2 } as const;
const silenceOfCode = ['none', 'holds', 'lifted'] as const;
const columns = Object.keys(occurrenceRow.shape).join(', ');

/** Breaches of one instance. */
export function occurrencesOf(db: Store, instance: string) {
  const texts = createMessageTexts();
  const select = (where: string, from = 'occurrence') => db.prepare(`SELECT ${columns} FROM ${from} WHERE ${where}`);
  // Left to itself the planner takes an index that holds the history.
  const fromFiring = 'occurrence INDEXED BY occurrence_firing';
  const sql = {
    get: select('instance = ? AND id = ?'),
    firing: select("instance = ? AND site = ? AND device_id = ? AND phase = 'firing'"),
    firingOf: select("instance = ? AND correlation_id = ? AND phase = 'firing'"),
    allFiring: select("instance = ? AND phase = 'firing'", fromFiring),
    storms: select("instance = ? AND phase = 'firing' AND rule = 'storm'", fromFiring),
    someFiring: select("instance = ? AND phase = 'firing' LIMIT ?", fromFiring),
    recent: select('instance = ? ORDER BY noted_at DESC LIMIT ?'),
    unlisted: select('instance = ? AND held_by = ? AND listed = 0 LIMIT ?'),
    put: db.prepare(
      `INSERT INTO occurrence (instance, id, correlation_id, site, device_id, rule, phase, place, sys_id, number, message,
         told_severity, noted_at, updates_since_note, held_by, silenced)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET phase = excluded.phase, place = excluded.place, sys_id = excluded.sys_id,
         number = excluded.number, message = excluded.message, told_severity = excluded.told_severity,
         noted_at = excluded.noted_at, updates_since_note = excluded.updates_since_note, held_by = excluded.held_by,
         silenced = excluded.silenced,
         listed = CASE WHEN listed = 0 OR phase <> excluded.phase
             OR json_extract(message, '$.startedAt') <> json_extract(excluded.message, '$.startedAt')
           THEN 0 ELSE listed END,
         ended_order = CASE WHEN excluded.phase = 'firing' THEN NULL ELSE ended_order END`,
    ),
    setListed: db.prepare(
      `UPDATE occurrence SET told_severity = coalesce(told_severity, json_extract(message, '$.severity')),
         listed = CASE WHEN phase = ? AND json_extract(message, '$.startedAt') = ? THEN 1 ELSE listed END
       WHERE instance = ? AND id = ?`,
    ),
    lastTold: select(
      "instance = ? AND correlation_id = ? AND phase = 'ended' AND place IN ('attached', 'wanted') ORDER BY noted_at DESC LIMIT 1",
    ),
    isAnyHeldFiring: db.prepare(
      "SELECT 1 FROM occurrence WHERE instance = ? AND held_by = ? AND phase = 'firing' LIMIT 1",
    ),
    isAnyUnlisted: db.prepare('SELECT 1 FROM occurrence WHERE instance = ? AND held_by = ? AND listed = 0 LIMIT 1'),
    countHeld: db.prepare('SELECT count(*) AS n FROM occurrence WHERE instance = ? AND held_by = ?'),
    countFiring: db.prepare("SELECT count(*) AS n FROM occurrence WHERE instance = ? AND phase = 'firing'"),
    countSilenced: db.prepare(
      "SELECT count(*) AS n FROM occurrence WHERE instance = ? AND phase = 'firing' AND silenced = 1",
    ),
    hasEntries: db.prepare('SELECT 1 FROM entry WHERE instance = ? AND occurrence_id = ? LIMIT 1'),
    retire: db.prepare(
      `UPDATE occurrence SET
         ended_order = (SELECT coalesce(max(ended_order), 0) + 1 FROM occurrence WHERE ended_order IS NOT NULL),
         message = json_set(message, '$.window', json('[]'))
       WHERE instance = ? AND id = ? AND phase = 'ended'`,
    ),
    trimRetired: db.prepare(
      `DELETE FROM occurrence WHERE ended_order IS NOT NULL
         AND ended_order <= (SELECT max(ended_order) FROM occurrence WHERE ended_order IS NOT NULL) - ?
         AND NOT (listed = 0 AND held_by IS NOT NULL AND held_by IN (SELECT id FROM occurrence))`,
    ),
  };

  const occurrenceOf = (raw: unknown) => occurrenceFrom(raw, texts.messageOf);

  return {
    occurrence(id: string): Occurrence | undefined {
      const row = sql.get.get(instance, id);
      return row === undefined ? undefined : occurrenceOf(row);
    },
    /** Breaches that fire at a device, of the keys that its monitor or the handler itself tells of. */
    firing: (site: string, deviceId: string): Occurrence[] =>
      sql.firing.all(instance, site, deviceId).map(occurrenceOf),
    firingOf: (correlationId: string): Occurrence[] => sql.firingOf.all(instance, correlationId).map(occurrenceOf),
    allFiring: (): Occurrence[] => sql.allFiring.all(instance).map(occurrenceOf),
    /** Storms that last. */
    storms: (): Occurrence[] => sql.storms.all(instance).map(occurrenceOf),
    /** The last breach of a key that is over and in an incident, or still to be told in one. */
    lastTold(correlationId: string): Occurrence | undefined {
      const row = sql.lastTold.get(instance, correlationId);
      return row === undefined ? undefined : occurrenceOf(row);
    },
    someFiring: (limit: number): Occurrence[] => sql.someFiring.all(instance, limit).map(occurrenceOf),
    /** Breaches, the latest told first. */
    recent: (limit: number): Occurrence[] => sql.recent.all(instance, limit).map(occurrenceOf),
    putOccurrence(occurrence: Occurrence): void {
      const { message, incident } = occurrence;
      sql.put.run(
        instance,
        occurrence.id,
        occurrence.correlationId,
        message.site,
        message.deviceId,
        message.rule,
        occurrence.phase,
        occurrence.place,
        incident?.sysId ?? null,
        incident?.number ?? null,
        texts.textOf(message),
        occurrence.toldSeverity,
        occurrence.notedAtMs,
        occurrence.updatesSinceNote,
        occurrence.heldBy,
        silenceCodes[occurrence.silence],
      );
    },

    /**
     * Breaches that a storm holds and its notes have not listed yet; those that have ended meanwhile, or whose start was
     * corrected, are to be listed anew.
     */
    heldUnlisted: (stormId: string, limit: number): Occurrence[] =>
      sql.unlisted.all(instance, stormId, limit).map(occurrenceOf),
    /** What has ended, or whose start was corrected, since it was listed stays to be listed anew. */
    markListed(listed: readonly Occurrence[]): void {
      for (const { id, phase, message } of listed) sql.setListed.run(phase, message.startedAt, instance, id);
    },
    isAnyHeldFiring: (stormId: string): boolean => sql.isAnyHeldFiring.get(instance, stormId) !== undefined,
    isAnyUnlisted: (stormId: string): boolean => sql.isAnyUnlisted.get(instance, stormId) !== undefined,
    countHeld: (stormId: string): number => countRow.parse(sql.countHeld.get(instance, stormId)).n,
    countFiring: (): number => countRow.parse(sql.countFiring.get(instance)).n,
    /** Those that last and are held back by a silence. */
    countSilenced: (): number => countRow.parse(sql.countSilenced.get(instance)).n,

    /** Marks an ended breach that has nothing left to tell, and drops the oldest beyond `keep` but for what a storm is yet to list. */
    retire(occurrenceId: string, keep: number): void {
      if (sql.hasEntries.get(instance, occurrenceId) !== undefined) return;
      sql.retire.run(instance, occurrenceId);
      sql.trimRetired.run(keep);
    },
  };
}

const countRow = z.object({ n: z.number() });

function occurrenceFrom(raw: unknown, messageOf: (text: string) => AnomalyMessage): Occurrence {
  const row = occurrenceRow.parse(raw);
  return {
    id: row.id,
    correlationId: row.correlation_id,
    phase: row.phase,
    place: row.place,
    incident: row.sys_id === null || row.number === null ? null : { sysId: row.sys_id, number: row.number },
    message: messageOf(row.message),
    toldSeverity: row.told_severity,
    notedAtMs: row.noted_at,
    updatesSinceNote: row.updates_since_note,
    heldBy: row.held_by,
    silence: silenceOfCode[row.silenced],
  };
}
