import { z } from 'zod';
import { type Key, rules } from '../anomaly/anomaly.ts';
import { checkpoint, type Durability, type Migration, openStore, transaction } from '../platform/sqlite.ts';
import { type CreateStoreSync, createStoreSync } from '../platform/store-sync.ts';
import { createTurnTransaction, type Writer } from '../platform/turn-transaction.ts';
import type { Stamp } from './stamp-clock.ts';

/**
 * The monitor's one file. A transition, the detection state it led to, the key's sequence and the message are in one
 * store, so that they change in one transaction.
 *
 * | table    | a row is                                                     | bounded by                                  |
 * |----------|--------------------------------------------------------------|---------------------------------------------|
 * | meta     | a value of the store itself                                  | names                                       |
 * | device   | detection of a device that has spoken                        | configuration; then the longest unheard goes |
 * | rule_key | the last sequence of a key, and whether it fires             | keys that have ever fired                   |
 * | message  | a message without an answer, or one that was rejected        | breaches; rejected ones by configuration    |
 * | cloud_message | a message that AWS IoT Core has not taken, where that is a destination of its own | breaches, and configuration |
 */
const migrations: readonly Migration[] = [
  {
    version: 1_000,
    sql: `
      CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      -- With a rowid: a saved state then is one page, without a look at the index.
      CREATE TABLE device (
        id INTEGER PRIMARY KEY, site TEXT NOT NULL, device_id TEXT NOT NULL, gateway INTEGER NOT NULL,
        away INTEGER NOT NULL, firing INTEGER NOT NULL, state TEXT NOT NULL, last_reading_ms REAL,
        seq INTEGER NOT NULL, run_id TEXT NOT NULL,
        wall_ms REAL NOT NULL, boot_id TEXT NOT NULL, offset_ms REAL NOT NULL, synchronised INTEGER NOT NULL,
        UNIQUE (site, device_id)
      );
      CREATE TABLE rule_key (
        key TEXT PRIMARY KEY, site TEXT NOT NULL, device_id TEXT NOT NULL, metric TEXT NOT NULL, rule TEXT NOT NULL,
        last_sequence INTEGER NOT NULL, firing_sequence INTEGER, clock_known INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX rule_key_device ON rule_key (site, device_id);
      CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, device_id TEXT NOT NULL, sequence INTEGER NOT NULL,
        occurrence_id TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL,
        boot_id TEXT NOT NULL, offset_ms REAL NOT NULL, synchronised INTEGER NOT NULL,
        rejected_ms REAL, reason TEXT
      );
      CREATE INDEX message_waiting ON message (key, sequence) WHERE rejected_ms IS NULL;
      CREATE INDEX message_rejected ON message (id) WHERE rejected_ms IS NOT NULL;
    `,
  },
  {
    version: 1_001,
    sql: `
      -- A table of its own: a release that does not know it leaves it alone, and neither destination waits for the other.
      CREATE TABLE cloud_message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, device_id TEXT NOT NULL, sequence INTEGER NOT NULL,
        occurrence_id TEXT NOT NULL, phase TEXT NOT NULL, body TEXT NOT NULL,
        boot_id TEXT NOT NULL, offset_ms REAL NOT NULL, synchronised INTEGER NOT NULL
      );
      CREATE INDEX cloud_message_key ON cloud_message (key, id);
    `,
  },
];

export interface Installation {
  /** 32 random hex digits for each data directory. */
  id: string;
  createdAtMs: number;
  stamp: Stamp;
}

/** A device as it is saved. */
export interface SavedDevice {
  site: string;
  deviceId: string;
  /** Whether it is another device, heard through the gateway. */
  gateway: boolean;
  /** Put away: not in memory until it is heard again. */
  away: boolean;
  firing: boolean;
  /** Its detection state, plain JSON. */
  state: unknown;
  lastReadingMs: number | null;
  seq: number;
  /** Run of the monitor that `seq` belongs to. */
  runId: string;
  wallMs: number;
  stamp: Stamp;
}

export interface SavedKey extends Key {
  key: string;
  lastSequence: number;
  /** Sequence of the firing message of what fires now; null while nothing does. */
  firingSequence: number | null;
  /** Whether the clock was known to be right when it began to fire. */
  clockKnown: boolean;
}

export interface SavedMessage {
  id: number;
  key: string;
  deviceId: string;
  sequence: number;
  occurrenceId: string;
  phase: 'firing' | 'updated' | 'resolved';
  body: string;
  stamp: Stamp;
}

const bit = z.number().transform((value) => value === 1);
const stampColumns = { boot_id: z.string(), offset_ms: z.number(), synchronised: bit };

const deviceRow = z
  .object({
    ...{ site: z.string(), device_id: z.string(), gateway: bit, away: bit, firing: bit, state: z.string() },
    ...{ last_reading_ms: z.number().nullable(), seq: z.number(), run_id: z.string(), wall_ms: z.number() },
    ...stampColumns,
  })
  .transform(
    (row): SavedDevice => ({
      ...{ site: row.site, deviceId: row.device_id, gateway: row.gateway, away: row.away, firing: row.firing },
      ...{ state: parseJson(row.state), lastReadingMs: row.last_reading_ms, seq: row.seq, runId: row.run_id },
      ...{ wallMs: row.wall_ms, stamp: stampOf(row) },
    }),
  );

const keyRow = z
  .object({
    ...{ key: z.string(), site: z.string(), device_id: z.string(), metric: z.string(), rule: z.enum(rules) },
    ...{ last_sequence: z.number(), firing_sequence: z.number().nullable(), clock_known: bit },
  })
  .transform(
    (row): SavedKey => ({
      ...{ key: row.key, site: row.site, deviceId: row.device_id, metric: row.metric, rule: row.rule },
      ...{ lastSequence: row.last_sequence, firingSequence: row.firing_sequence, clockKnown: row.clock_known },
    }),
  );

const messageRow = z
  .object({
    ...{ id: z.number(), key: z.string(), device_id: z.string(), sequence: z.number(), occurrence_id: z.string() },
    ...{ phase: z.enum(['firing', 'updated', 'resolved']), body: z.string() },
    ...stampColumns,
  })
  .transform(
    (row): SavedMessage => ({
      ...{ id: row.id, key: row.key, deviceId: row.device_id, sequence: row.sequence, body: row.body },
      ...{ occurrenceId: row.occurrence_id, phase: row.phase, stamp: stampOf(row) },
    }),
  );

// Made once: it takes longer than to parse a row.
const [optionalDevice, optionalKey, optionalMessage] = [deviceRow.optional(), keyRow.optional(), messageRow.optional()];
const metaRow = z.object({ value: z.string() }).optional();
const deviceName = z.object({ site: z.string(), device_id: z.string() });
const countRow = z.object({ n: z.number() }).transform(({ n }) => n);
const installationValue = z.object({
  id: z.string(),
  createdAtMs: z.number(),
  stamp: z.object({ bootId: z.string(), offsetMs: z.number(), synchronised: z.boolean() }),
});

export type Journal = ReturnType<typeof openJournal>;

/** @throws AppError as `openStore`. */
export function openJournal(path: string, createSync: CreateStoreSync = createStoreSync) {
  const db = openStore({ path, migrations, synchronous: 'full' });
  const sql = statements(db);
  const sync = createSync({ path, checkpoint: () => checkpoint(db) });
  // An earlier process may have ended between a commit and its sync.
  sync.mark();
  const turn = createTurnTransaction(db, sync.mark);
  const list = <T>(schema: z.ZodType<T>, rows: unknown[]): T[] => rows.map((row) => schema.parse(row));

  return {
    path,
    /**
     * Runs `work` in one transaction. `synced` survives a power loss once it returns, `grouped` once `afterSync` calls
     * back; `unsynced` may be lost then, and wears no flash.
     */
    write<T>(durability: Durability, work: () => T): T {
      turn.end();
      const result = transaction(db, work, durability);
      if (durability === 'grouped') sync.mark();
      return result;
    },
    /** The same, `grouped`, in one transaction with all that is written so in this turn of the event loop. */
    writeInTurn: <T>(work: () => T, writer: Writer): T => turn.run(work, writer),
    /** Commits what was written in this turn of the event loop. */
    endTurn: turn.end,
    /** Calls back once all that was written `grouped` until now survives a power loss. */
    afterSync: sync.after,

    installation(): Installation | undefined {
      const row = metaRow.parse(sql.getMeta.get('installation'));
      return row === undefined ? undefined : installationValue.parse(JSON.parse(row.value));
    },
    putInstallation(installation: Installation): void {
      sql.setMeta.run('installation', JSON.stringify(installation));
    },

    device(site: string, deviceId: string): SavedDevice | undefined {
      return optionalDevice.parse(sql.getDevice.get(site, deviceId));
    },
    /** Devices to be in memory, the latest saved first. */
    present(limit: number): SavedDevice[] {
      return list(deviceRow, sql.listPresent.all(limit));
    },
    /** Devices that are not in memory and have spoken of a breach. */
    awayNames(): { site: string; deviceId: string }[] {
      return list(deviceName, sql.listAway.all()).map(({ site, device_id }) => ({ site, deviceId: device_id }));
    },
    /** Devices of the other kind of source, or (without a gateway) of another name, that still fire. */
    removed(own: { site: string; deviceId: string } | undefined): SavedDevice[] {
      if (own === undefined) return list(deviceRow, sql.listFiringOwn.all());
      return list(deviceRow, sql.listFiringOthers.all(own.site, own.deviceId));
    },
    putDevice(device: SavedDevice): void {
      const { stamp } = device;
      sql.putDevice.run(
        ...[device.site, device.deviceId, Number(device.gateway), Number(device.away), Number(device.firing)],
        ...[JSON.stringify(device.state), device.lastReadingMs, device.seq, device.runId, device.wallMs],
        ...[stamp.bootId, stamp.offsetMs, Number(stamp.synchronised)],
      );
    },
    /** Forgets the longest unheard of those that are away and never spoke of a breach, beyond `most`. */
    forgetIdle(most: number): void {
      sql.forgetIdle.run(most);
    },

    key(key: string): SavedKey | undefined {
      return optionalKey.parse(sql.getKey.get(key));
    },
    keysOf(site: string, deviceId: string): SavedKey[] {
      return list(keyRow, sql.listKeys.all(site, deviceId));
    },
    putKey(saved: SavedKey): void {
      sql.putKey.run(
        ...[saved.key, saved.site, saved.deviceId, saved.metric, saved.rule, saved.lastSequence],
        ...[saved.firingSequence, Number(saved.clockKnown)],
      );
    },
    forgetKeys(): void {
      sql.forgetKeys.run();
    },

    putMessage(message: Omit<SavedMessage, 'id'>): void {
      sql.putMessage.run(...messageValues(message));
    },
    /** The first message of a key that waits for its answer; what is told of is committed. */
    head(key: string): SavedMessage | undefined {
      turn.end();
      return optionalMessage.parse(sql.getHead.get(key));
    },
    /** The last one. */
    tail(key: string): SavedMessage | undefined {
      return optionalMessage.parse(sql.getTail.get(key));
    },
    /** All that wait, in the order in which they were made. */
    waiting(): SavedMessage[] {
      return list(messageRow, sql.listWaiting.all());
    },
    waitingKeys(): string[] {
      return list(z.object({ key: z.string() }), sql.listWaitingKeys.all()).map(({ key }) => key);
    },
    deleteMessage(id: number): void {
      sql.deleteMessage.run(id);
    },
    rewriteMessage(id: number, body: string, stamp: Stamp): void {
      sql.rewriteMessage.run(body, stamp.offsetMs, Number(stamp.synchronised), id);
    },
    /** Puts a message aside; of those put aside the oldest beyond `most` are forgotten. */
    putAside(id: number, reason: string, atMs: number, most: number): void {
      sql.putAside.run(atMs, reason, id);
      sql.trimAside.run(most);
    },
    /** Makes what was put aside of an installation wait again; answers how many there were. */
    takeBack(installationId: string): number {
      return sql.takeBack.run(installationId).changes;
    },

    /** Of what waits for AWS IoT Core: the first one, committed. */
    cloudHead(): SavedMessage | undefined {
      turn.end();
      return optionalMessage.parse(sql.getCloudHead.get());
    },
    /** The last one of a key. */
    cloudTail(key: string): SavedMessage | undefined {
      return optionalMessage.parse(sql.getCloudTail.get(key));
    },
    /** All, in the order in which they were made. */
    waitingForCloud(): SavedMessage[] {
      return list(messageRow, sql.listCloud.all());
    },
    putCloudMessage(message: Omit<SavedMessage, 'id'>): void {
      sql.putCloudMessage.run(...messageValues(message));
    },
    deleteCloudMessage(id: number): void {
      sql.deleteCloudMessage.run(id);
    },
    rewriteCloudMessage(id: number, body: string, stamp: Stamp): void {
      sql.rewriteCloudMessage.run(body, stamp.offsetMs, Number(stamp.synchronised), id);
    },
    /** Forgets the oldest beyond `most`, but not `kept`; answers how many. */
    trimCloud(most: number, kept: number | undefined): number {
      return sql.trimCloud.run(most, kept ?? -1).changes;
    },
    cloudCount: () => countRow.parse(sql.countCloud.get()),

    counts: () => ({
      waiting: countRow.parse(sql.countWaiting.get()),
      rejected: countRow.parse(sql.countRejected.get()),
    }),
    close(): void {
      turn.end();
      sync.close();
      db.close();
    },
  };
}

function statements(db: ReturnType<typeof openStore>) {
  const waiting = 'FROM message WHERE rejected_ms IS NULL';
  return {
    getMeta: db.prepare('SELECT value FROM meta WHERE name = ?'),
    setMeta: db.prepare(
      'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    getDevice: db.prepare('SELECT * FROM device WHERE site = ? AND device_id = ?'),
    listPresent: db.prepare('SELECT * FROM device WHERE away = 0 ORDER BY wall_ms DESC LIMIT ?'),
    listAway: db.prepare(`
      SELECT DISTINCT site, device_id FROM rule_key k WHERE NOT EXISTS
        (SELECT 1 FROM device d WHERE d.site = k.site AND d.device_id = k.device_id AND d.away = 0)`),
    listFiringOwn: db.prepare('SELECT * FROM device WHERE firing = 1 AND gateway = 0'),
    listFiringOthers: db.prepare('SELECT * FROM device WHERE firing = 1 AND NOT (site = ? AND device_id = ?)'),
    putDevice: db.prepare(`
      INSERT INTO device (site, device_id, gateway, away, firing, state, last_reading_ms, seq, run_id, wall_ms, boot_id,
        offset_ms, synchronised) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (site, device_id) DO UPDATE SET gateway = excluded.gateway, away = excluded.away,
        firing = excluded.firing, state = excluded.state, last_reading_ms = excluded.last_reading_ms,
        seq = excluded.seq, run_id = excluded.run_id, wall_ms = excluded.wall_ms, boot_id = excluded.boot_id,
        offset_ms = excluded.offset_ms, synchronised = excluded.synchronised`),
    forgetIdle: db.prepare(`
      DELETE FROM device WHERE id IN (
        SELECT id FROM device d WHERE away = 1 AND NOT EXISTS
          (SELECT 1 FROM rule_key k WHERE k.site = d.site AND k.device_id = d.device_id)
        ORDER BY wall_ms DESC LIMIT -1 OFFSET ?)`),
    getKey: db.prepare('SELECT * FROM rule_key WHERE key = ?'),
    listKeys: db.prepare('SELECT * FROM rule_key WHERE site = ? AND device_id = ?'),
    putKey: db.prepare(`
      INSERT INTO rule_key (key, site, device_id, metric, rule, last_sequence, firing_sequence, clock_known)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
        last_sequence = excluded.last_sequence, firing_sequence = excluded.firing_sequence,
        clock_known = excluded.clock_known`),
    forgetKeys: db.prepare('UPDATE rule_key SET last_sequence = 0, firing_sequence = NULL'),
    putMessage: db.prepare(`
      INSERT INTO message (key, device_id, sequence, occurrence_id, phase, body, boot_id, offset_ms, synchronised)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    getCloudHead: db.prepare('SELECT * FROM cloud_message ORDER BY id LIMIT 1'),
    getCloudTail: db.prepare('SELECT * FROM cloud_message WHERE key = ? ORDER BY id DESC LIMIT 1'),
    listCloud: db.prepare('SELECT * FROM cloud_message ORDER BY id'),
    putCloudMessage: db.prepare(`
      INSERT INTO cloud_message (key, device_id, sequence, occurrence_id, phase, body, boot_id, offset_ms, synchronised)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    deleteCloudMessage: db.prepare('DELETE FROM cloud_message WHERE id = ?'),
    rewriteCloudMessage: db.prepare('UPDATE cloud_message SET body = ?, offset_ms = ?, synchronised = ? WHERE id = ?'),
    trimCloud: db.prepare(`
      DELETE FROM cloud_message WHERE id IN (SELECT id FROM cloud_message ORDER BY id DESC LIMIT -1 OFFSET ?) AND id <> ?`),
    countCloud: db.prepare('SELECT count(*) AS n FROM cloud_message'),
    getHead: db.prepare(`SELECT * ${waiting} AND key = ? ORDER BY sequence LIMIT 1`),
    getTail: db.prepare(`SELECT * ${waiting} AND key = ? ORDER BY sequence DESC LIMIT 1`),
    listWaiting: db.prepare(`SELECT * ${waiting} ORDER BY id`),
    listWaitingKeys: db.prepare(`SELECT DISTINCT key ${waiting}`),
    deleteMessage: db.prepare('DELETE FROM message WHERE id = ?'),
    rewriteMessage: db.prepare('UPDATE message SET body = ?, offset_ms = ?, synchronised = ? WHERE id = ?'),
    putAside: db.prepare('UPDATE message SET rejected_ms = ?, reason = ? WHERE id = ?'),
    trimAside: db.prepare(`
      DELETE FROM message WHERE id IN
        (SELECT id FROM message WHERE rejected_ms IS NOT NULL ORDER BY id DESC LIMIT -1 OFFSET ?)`),
    takeBack: db.prepare(`
      UPDATE message SET rejected_ms = NULL, reason = NULL
      WHERE rejected_ms IS NOT NULL AND json_extract(body, '$.installationId') = ?`),
    countWaiting: db.prepare(`SELECT count(*) AS n ${waiting}`),
    countRejected: db.prepare('SELECT count(*) AS n FROM message WHERE rejected_ms IS NOT NULL'),
  };
}

function messageValues({ stamp, ...message }: Omit<SavedMessage, 'id'>) {
  return [
    ...[message.key, message.deviceId, message.sequence, message.occurrenceId, message.phase, message.body],
    ...[stamp.bootId, stamp.offsetMs, Number(stamp.synchronised)],
  ];
}

function stampOf(row: { boot_id: string; offset_ms: number; synchronised: boolean }): Stamp {
  return { bootId: row.boot_id, offsetMs: row.offset_ms, synchronised: row.synchronised };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
