import { z } from 'zod';
import type { Store } from '../../platform/sqlite.ts';

const countRow = z.object({ n: z.number() });

const rejectedRow = z.object({ at: z.number(), topic: z.string(), reason: z.string(), payload: z.string() });
export type RejectedMessage = z.infer<typeof rejectedRow>;

/** Messages that were refused, kept for a look. */
export function rejectedOf(db: Store) {
  const sql = {
    add: db.prepare('INSERT INTO rejected (at, topic, reason, payload) VALUES (?, ?, ?, ?)'),
    trim: db.prepare('DELETE FROM rejected WHERE id <= ?'),
    list: db.prepare('SELECT at, topic, reason, payload FROM rejected ORDER BY id DESC LIMIT ?'),
    count: db.prepare('SELECT count(*) AS n FROM rejected'),
  };
  return {
    /** Keeps the latest `keep`. */
    putRejected(message: RejectedMessage, keep: number): void {
      const { at, topic, reason, payload } = message;
      const { lastInsertRowid } = sql.add.run(at, topic.slice(0, 300), reason, payload.slice(0, 8_000));
      sql.trim.run(Number(lastInsertRowid) - keep);
    },
    /** The latest first. */
    rejectedMessages: (limit: number): RejectedMessage[] => sql.list.all(limit).map((row) => rejectedRow.parse(row)),
    countRejected: (): number => countRow.parse(sql.count.get()).n,
  };
}
