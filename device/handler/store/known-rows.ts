import { z } from 'zod';
import type { Store } from '../../platform/sqlite.ts';

/** How many incidents are kept as proof that rows can be seen. */
const knownRowsKept = 5;

const knownRow = z.object({ sys_id: z.string() });

/** Incidents that are known to exist on one instance, the latest first. */
export function knownRowsOf(db: Store, instance: string) {
  const sql = {
    list: db.prepare(`SELECT sys_id FROM known_row WHERE instance = ? ORDER BY seen DESC LIMIT ${knownRowsKept}`),
    add: db.prepare(
      `INSERT INTO known_row (instance, sys_id, number, seen)
       VALUES (?, ?, ?, (SELECT coalesce(max(seen), 0) + 1 FROM known_row WHERE instance = ?))
       ON CONFLICT DO NOTHING`,
    ),
    trim: db.prepare(
      'DELETE FROM known_row WHERE instance = ? AND seen <= (SELECT max(seen) FROM known_row WHERE instance = ?) - ?',
    ),
    drop: db.prepare('DELETE FROM known_row WHERE instance = ?'),
  };
  /** In this process. */
  let added = 0;

  return {
    /** Their sys_ids. */
    knownRows: (): string[] => sql.list.all(instance).map((row) => knownRow.parse(row).sys_id),
    addKnownRow(sysId: string, number: string): void {
      if (sql.add.run(instance, sysId, number, instance).changes === 0) return;
      // The first time, and then for as many at a time as are kept: it would cost more than the row itself.
      if (added % knownRowsKept === 0) sql.trim.run(instance, instance, knownRowsKept);
      added += 1;
    },
    forgetKnownRows(): void {
      sql.drop.run(instance);
    },
  };
}
