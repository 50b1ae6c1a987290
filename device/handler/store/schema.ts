import type { Migration } from '../../platform/sqlite.ts';

/**
 * The handler's one file. What was accepted, where its incident stands, and what is still to be told are in one store,
 * so that they change in one transaction. What belongs to an instance carries its name, so that a change of instance
 * leaves the rest alone.
 *
 * | table       | a row is                                                        | bounded by                     |
 * |-------------|-----------------------------------------------------------------|--------------------------------|
 * | meta        | a value of the store itself                                     | names                          |
 * | device      | a device that has spoken, with its installation                 | `handler.maxDevices`           |
 * | high_water  | the highest sequence accepted of a key of an installation       | keys of living installations   |
 * | occurrence  | a breach                                                        | open ones, `handler.keepEnded` |
 * | entry       | a thing to be told about a breach                               | six a breach, gone once told   |
 * | known_row   | an incident that is known to exist on an instance               | 5 an instance                  |
 * | rejected    | a message that was refused                                      | `handler.maxRejected`          |
 * | silence     | a silence that lasts                                            | 1,000                          |
 *
 * The partial indexes are what keeps the cost of a message apart from the length of the history; the id comes first in
 * the key of `occurrence` because the planner prefers a primary key that begins with the instance to them.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1_000,
    sql: `
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE device (
        site TEXT NOT NULL, device_id TEXT NOT NULL, installation_id TEXT NOT NULL, installation_created_at TEXT NOT NULL,
        PRIMARY KEY (site, device_id)
      ) WITHOUT ROWID;
      CREATE TABLE high_water (
        site TEXT NOT NULL, device_id TEXT NOT NULL, installation_id TEXT NOT NULL, correlation_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        PRIMARY KEY (site, device_id, installation_id, correlation_id)
      ) WITHOUT ROWID;
      CREATE TABLE occurrence (
        instance TEXT NOT NULL, id TEXT NOT NULL, correlation_id TEXT NOT NULL,
        site TEXT NOT NULL, device_id TEXT NOT NULL, rule TEXT NOT NULL,
        phase TEXT NOT NULL, place TEXT NOT NULL, sys_id TEXT, number TEXT, message TEXT NOT NULL,
        told_severity TEXT, noted_at INTEGER NOT NULL DEFAULT 0, updates_since_note INTEGER NOT NULL DEFAULT 0,
        held_by TEXT, listed INTEGER NOT NULL DEFAULT 0, ended_order INTEGER,
        PRIMARY KEY (id, instance)
      ) WITHOUT ROWID;
      CREATE INDEX occurrence_firing ON occurrence (instance, site, device_id) WHERE phase = 'firing';
      CREATE INDEX occurrence_firing_key ON occurrence (instance, correlation_id) WHERE phase = 'firing';
      CREATE INDEX occurrence_held ON occurrence (instance, held_by, phase) WHERE held_by IS NOT NULL;
      CREATE INDEX occurrence_unlisted ON occurrence (instance, held_by) WHERE held_by IS NOT NULL AND listed = 0;
      CREATE INDEX occurrence_ended ON occurrence (ended_order) WHERE ended_order IS NOT NULL;
      CREATE INDEX occurrence_recent ON occurrence (instance, noted_at);
      CREATE TABLE entry (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instance TEXT NOT NULL, correlation_id TEXT NOT NULL, occurrence_id TEXT NOT NULL, kind TEXT NOT NULL,
        site TEXT NOT NULL, device_id TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting', due_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0, error TEXT,
        UNIQUE (instance, occurrence_id, kind)
      );
      CREATE INDEX entry_key ON entry (instance, correlation_id, id);
      CREATE INDEX entry_due ON entry (instance, site, device_id, due_at) WHERE due_at IS NOT NULL;
      CREATE INDEX entry_stopped ON entry (state) WHERE state IN ('dead', 'aside');
      CREATE TABLE known_row (
        instance TEXT NOT NULL, sys_id TEXT NOT NULL, number TEXT NOT NULL, seen INTEGER NOT NULL,
        PRIMARY KEY (instance, sys_id)
      ) WITHOUT ROWID;
      CREATE TABLE rejected (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL, payload TEXT NOT NULL
      );
    `,
  },
  // Epoch ms, real time: since when an entry is to be told. Null for entries of an earlier release.
  { version: 1_001, sql: 'ALTER TABLE entry ADD COLUMN waits_since INTEGER' },
  // `silenced`: 0 never, 1 while a silence holds it back, 2 after. What is held back stays in the outbox, so an earlier
  // release, which knows of no silences, tells it: after a rolled-back deployment nothing is lost.
  {
    version: 1_002,
    sql: `
      ALTER TABLE occurrence ADD COLUMN silenced INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE silence (
        id TEXT PRIMARY KEY, site TEXT, device_id TEXT, metric TEXT, rule TEXT,
        author TEXT NOT NULL, reason TEXT NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL
      ) WITHOUT ROWID;
    `,
  },
];
