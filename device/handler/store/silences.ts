import { z } from 'zod';
import type { Silence } from '../../incident/silence.ts';
import type { Store } from '../../platform/sqlite.ts';

const countRow = z.object({ n: z.number() });

const silenceRow = z.object({
  id: z.string(),
  site: z.string().nullable(),
  device_id: z.string().nullable(),
  metric: z.string().nullable(),
  rule: z.string().nullable(),
  author: z.string(),
  reason: z.string(),
  starts_at: z.number(),
  ends_at: z.number(),
});
const columns = Object.keys(silenceRow.shape).join(', ');

/** What people have silenced, whatever instance is served. */
export function silencesOf(db: Store) {
  const sql = {
    list: db.prepare(`SELECT ${columns} FROM silence ORDER BY ends_at, id`),
    count: db.prepare('SELECT count(*) AS n FROM silence'),
    add: db.prepare(`INSERT INTO silence (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    remove: db.prepare('DELETE FROM silence WHERE id = ?'),
    removeEnded: db.prepare('DELETE FROM silence WHERE ends_at <= ?'),
  };

  return {
    /** The first to end first. */
    silences: (): Silence[] => sql.list.all().map(silenceOf),
    countSilences: (): number => countRow.parse(sql.count.get()).n,
    addSilence({ id, site, deviceId, metric, rule, author, reason, startsAtMs, endsAtMs }: Silence): void {
      sql.add.run(id, site, deviceId, metric, rule, author, reason, startsAtMs, endsAtMs);
    },
    /** False where there is none of this id. */
    removeSilence: (id: string): boolean => sql.remove.run(id).changes > 0,
    removeEndedSilences(nowMs: number): void {
      sql.removeEnded.run(nowMs);
    },
  };
}

function silenceOf(raw: unknown): Silence {
  const row = silenceRow.parse(raw);
  return {
    id: row.id,
    site: row.site,
    deviceId: row.device_id,
    metric: row.metric,
    rule: row.rule,
    author: row.author,
    reason: row.reason,
    startsAtMs: row.starts_at,
    endsAtMs: row.ends_at,
  };
}
