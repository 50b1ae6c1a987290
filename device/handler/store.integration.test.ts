import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { breachMessage } from '../incident/chart/test-message.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { openStore } from '../platform/sqlite.ts';
import { quickFolder } from './handler-harness.ts';
import { devicesOf } from './store/devices.ts';
import { entriesOf } from './store/entries.ts';
import { knownRowsOf } from './store/known-rows.ts';
import { occurrencesOf } from './store/occurrences.ts';
import { rejectedOf } from './store/rejected.ts';
import { migrations } from './store/schema.ts';
import { type HandlerStore, handlerStoreName, openHandlerStore, openServedStore } from './store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(quickFolder(), 'store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const path = () => join(folder, handlerStoreName);

/** A scan; a sort; or a search by the instance alone in an index that holds the history, which is a scan by another name. */
const slow =
  /\bSCAN (?!CONSTANT)|TEMP B-TREE FOR ORDER|(occurrence|entry) USING (PRIMARY KEY|INDEX (sqlite_autoindex_\w+|entry_key|occurrence_recent)) \(instance=\?\)$/;

/** Of statements that run at a start, on a timer, at a person's word or at a scrape, never for a message. */
const rare = [
  /^SELECT .* ORDER BY noted_at DESC LIMIT/,
  /^UPDATE entry SET state = '(aside|sending)' WHERE instance/,
  /^SELECT min\(waits_since\)/,
  // What is stopped, or to be told, is not history: it is bounded by breaches.
  /^SELECT DISTINCT site, device_id FROM entry/,
  /^SELECT correlation_id, sum\(state = 'sending'\)/,
  /^SELECT count\(\*\)/,
  /^SELECT site, device_id FROM device LIMIT/,
  /FROM rejected ORDER BY id DESC LIMIT/,
  /FROM entry WHERE (instance = \? AND state = 'dead'|state = 'aside') ORDER BY id$/,
  // Ten rows at most.
  /FROM known_row WHERE instance = \? ORDER BY seen DESC LIMIT 5$/,
];

test('no statement that runs for a message looks through the history', () => {
  const db = openStore({ path: path(), migrations, synchronous: 'normal' });
  const prepare = vi.spyOn(db, 'prepare');
  devicesOf(db);
  entriesOf(db, 'i');
  knownRowsOf(db, 'i');
  occurrencesOf(db, 'i');
  rejectedOf(db);
  const seen = prepare.mock.calls.map(([sql]) => sql.replace(/\s+/g, ' ').trim());
  prepare.mockRestore();
  expect(seen.length).toBeGreaterThan(40);
  const detail = z.object({ detail: z.string() });
  const scans = seen
    .filter((sql) => !rare.some((pattern) => pattern.test(sql)))
    .flatMap((sql) => {
      const values = [...sql.matchAll(/\?/g)].map(() => 0);
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...values)
        .map((row) => detail.parse(row).detail);
      return plan.filter((step) => slow.test(step)).map((step) => `${step}: ${sql}`);
    });
  db.close();
  expect(scans).toEqual([]);
});

function breach(n: number, change: Partial<Occurrence> = {}): Occurrence {
  const id = n.toString(16).padStart(32, '0');
  return {
    id,
    correlationId: `home/pi/m${n % 50}/upper`,
    phase: 'ended',
    place: 'attached',
    incident: { sysId: id, number: `INC${n}` },
    message: { ...breachMessage({}), id },
    toldSeverity: 'high',
    notedAtMs: n,
    updatesSinceNote: 0,
    heldBy: null,
    silence: 'none',
    ...change,
  };
}

/** Size once all is written from the log into the file. */
function fileBytes(): number {
  const db = openStore({ path: path(), migrations, synchronous: 'normal' });
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  return statSync(path()).size;
}

describe('retention', () => {
  test('after many more breaches the file has the size that it had', () => {
    const tell = (from: number, to: number) => {
      const store = openHandlerStore(path(), 'i');
      for (let first = from; first < to; first += 500) {
        store.transaction(() => {
          for (let n = first; n < first + 500; n += 1) {
            store.putOccurrence(breach(n));
            store.addEntry(breach(n), 'resolve');
            for (const entry of store.entriesOf(breach(n).correlationId)) store.finishEntry(entry.id);
            store.retire(breach(n).id, 1_000);
          }
        });
      }
      store.close();
    };
    tell(0, 2_500);
    const before = fileBytes();
    tell(2_500, 12_500);
    expect(fileBytes()).toBeLessThanOrEqual(before * 1.1);
    const store = openHandlerStore(path(), 'i');
    expect(store.recent(100_000)).toHaveLength(1_000);
    store.close();
  });

  test('one with something left to tell, or that fires, stays', () => {
    const store = openHandlerStore(path(), 'i');
    store.putOccurrence(breach(1, { phase: 'firing' }));
    store.putOccurrence(breach(2));
    store.addEntry(breach(2), 'resolve');
    for (const n of [1, 2]) store.retire(breach(n).id, 1);
    for (const n of [3, 4, 5]) {
      store.putOccurrence(breach(n));
      store.retire(breach(n).id, 1);
    }
    expect(store.recent(10).map((one) => one.notedAtMs)).toEqual([5, 2, 1]);
    expect(store.occurrence(breach(5).id)?.message.window).toEqual([]);
    store.close();
  });

  test('one that a storm holds stays until the storm has listed it', () => {
    const store = openHandlerStore(path(), 'i');
    const storm = breach(1, { phase: 'firing' });
    store.putOccurrence(storm);
    store.putOccurrence(breach(2, { heldBy: storm.id }));
    store.retire(breach(2).id, 1);
    const retireOther = (n: number) => {
      store.putOccurrence(breach(n));
      store.retire(breach(n).id, 1);
    };
    for (const n of [3, 4, 5]) retireOther(n);
    expect(store.heldUnlisted(storm.id, 10).map((one) => one.id)).toEqual([breach(2).id]);
    store.markListed([breach(2)]);
    retireOther(6);
    expect(store.occurrence(breach(2).id)).toBeUndefined();
    store.close();
  });

  test('of the incidents that are known to exist the latest few are kept', () => {
    const store = openHandlerStore(path(), 'i');
    for (let n = 0; n < 20; n += 1) store.addKnownRow(`row ${n}`, `INC${n}`);
    expect(store.knownRows()).toEqual(['row 19', 'row 18', 'row 17', 'row 16', 'row 15']);
    store.close();
  });
});

describe('opening the store of a handler that has run', () => {
  test('a folder without one, and one that has served nothing, are told apart', () => {
    expect(() => openServedStore(path())).toThrow(/no handler has run/);
    openHandlerStore(path(), 'i').close();
    expect(() => openServedStore(path())).toThrow(/has not served an instance yet/);
    const store: HandlerStore = openHandlerStore(path(), 'i');
    store.setServedInstance();
    store.close();
    const served = openServedStore(path());
    expect(served.instance).toBe('i');
    served.close();
  });
});

test('a release that knows no silences opens the file, and tells what one holds back', () => {
  const store = openHandlerStore(path(), 'i');
  const held = breach(1, { phase: 'firing', place: 'wanted', incident: null, silence: 'holds' });
  store.putOccurrence(held);
  store.addEntry(held, 'open');
  store.addSilence({
    ...{ id: '00000001', site: null, deviceId: null, metric: null, rule: null, author: 'Ann', reason: 'tests' },
    ...{ startsAtMs: 1, endsAtMs: 2 },
  });
  expect(store.entriesOf(held.correlationId)).toEqual([]);
  store.close();
  const earlier = openStore({
    path: path(),
    migrations: migrations.filter(({ version }) => version < 1_002),
    synchronous: 'normal',
  });
  const waiting = earlier.prepare(
    "SELECT kind, place FROM entry JOIN occurrence ON occurrence.id = occurrence_id WHERE state = 'waiting'",
  );
  expect(waiting.all()).toEqual([{ kind: 'open', place: 'wanted' }]);
  earlier
    .prepare(
      "INSERT INTO occurrence (instance, id, correlation_id, site, device_id, rule, phase, place, message) VALUES ('i', 'x', 'k', 's', 'd', 'upper', 'firing', 'wanted', '{}')",
    )
    .run();
  earlier.close();
});
