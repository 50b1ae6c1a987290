import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { anomalyMessage, answerMessage, deviceStatusMessage, handlerStatusMessage } from '../anomaly/anomaly.ts';
import { configSchema } from '../config/schema.ts';
import type { Occurrence } from '../incident/occurrence.ts';
import { incidentTexts } from '../incident/texts.ts';
import {
  anomalyExample,
  answerExample,
  deviceStatusExamples,
  handlerStatusExample,
  readingExample,
} from '../messages/examples.ts';
import { jsonText } from '../messages/json-text.ts';
import { openJournal } from '../monitor/journal.ts';
import { startHarness as startMonitorHarness } from '../monitor/monitor-harness.ts';
import { isoUtc } from '../platform/time.ts';
import { readingMessage } from '../reading/reading.ts';
import { quickFolder, startMs } from './handler-harness.ts';
import { handlerStoreName, openHandlerStore, openServedStore } from './store.ts';
import { minuteMs, ready, start } from './story-harness.ts';

/**
 * What a release wrote is kept under `device/testdata/<version>/`: its stores with a breach that fires, and its messages.
 * For a new release: raise the version, then `WRITE_TESTDATA=1 npx vitest run device/handler/roll-back`; what older
 * releases wrote is never written again.
 */
const testdata = join(import.meta.dirname, '../testdata');
const stores = ['monitor.db', handlerStoreName] as const;
const hot = { temperature: 31 };
const mild = { temperature: 25 };

const schemas = {
  reading: readingMessage,
  anomaly: anomalyMessage,
  answer: answerMessage,
  deviceStatus: deviceStatusMessage,
  handlerStatus: handlerStatusMessage,
};

const releases = () =>
  readdirSync(testdata, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? one.name : []));

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The stores of a release in a folder of the test's own. */
function copyOf(release: string): string {
  const folder = mkdtempSync(join(quickFolder(), 'roll-back-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of stores) cpSync(join(testdata, release, name), join(folder, name));
  return folder;
}

function withDatabase<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const versionOf = (db: Database.Database) =>
  z.object({ user_version: z.number() }).parse(db.prepare('PRAGMA user_version').get()).user_version;

/** Does what the next minor version of a store may do: it adds a column to each table. */
function addColumns(db: Database.Database): void {
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  for (const { name } of z.array(z.object({ name: z.string() })).parse(tables)) {
    db.exec(`ALTER TABLE ${name} ADD COLUMN added_later TEXT`);
  }
  db.exec(`PRAGMA user_version = ${versionOf(db) + 1}`);
}

/** What a release after this one leaves: this one's steps, and its own. */
function asLaterRelease(folder: string): void {
  openServedStore(join(folder, handlerStoreName)).close();
  openJournal(join(folder, 'monitor.db')).close();
  for (const name of stores) withDatabase(join(folder, name), addColumns);
}

function attached(path: string): Occurrence {
  const store = openServedStore(path);
  const found = store.allFiring().find((occurrence) => occurrence.incident !== null);
  store.close();
  if (found === undefined) throw new Error(`no breach with an incident fires in ${path}`);
  return found;
}

test.runIf(process.env['WRITE_TESTDATA'] === '1')('writes what this release is remembered by', async () => {
  const folder = join(testdata, packageJson.version);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const h = await ready();
  h.anomaly();
  await h.settle();
  // Another one whose attempt has an end that is not known, and never comes.
  h.destination.writeFaults.push('cut-before-commit');
  h.anomaly({ metric: 'humidity', unit: '%RH', value: 53.4, limit: 50, deadband: 2, peak: 53.4 });
  await h.settle();
  const store = openServedStore(join(h.dataDir, handlerStoreName));
  store.backup(join(folder, handlerStoreName));
  store.close();

  const monitor = await startMonitorHarness();
  closing.push(monitor.close);
  await monitor.readFor(70_000, hot);
  withDatabase(join(monitor.dataDir, 'monitor.db'), (db) =>
    db.prepare('VACUUM INTO ?').run(join(folder, 'monitor.db')),
  );

  const messages = {
    reading: [readingExample],
    anomaly: [anomalyExample],
    answer: [answerExample],
    deviceStatus: deviceStatusExamples,
    handlerStatus: [handlerStatusExample],
  };
  writeFileSync(join(folder, 'messages.json'), `${jsonText(messages)}\n`);
});

describe.each(releases())('what release %s wrote', (release) => {
  test.each(['reading', 'anomaly', 'answer', 'deviceStatus', 'handlerStatus'] as const)('%s messages parse', (kind) => {
    const kept = z.record(z.string(), z.array(z.unknown()).min(1));
    const messages = kept.parse(JSON.parse(readFileSync(join(testdata, release, 'messages.json'), 'utf8')));
    for (const message of messages[kind] ?? [undefined]) {
      expect(schemas[kind].safeParse(message)).toMatchObject({ success: true });
    }
  });

  describe.each([
    ['as it is', () => {}],
    ['with the columns that a release which was rolled back had added', asLaterRelease],
  ])('%s', (_name, change) => {
    test('the handler tells the end of the breach, and the incident whose attempt was open, once', async () => {
      const folder = copyOf(release);
      change(folder);
      const fired = attached(join(folder, handlerStoreName));
      const { message } = fired;
      const h = await start(undefined, {
        dataDir: folder,
        startMs: startMs + 5 * minuteMs,
        destination(table, time) {
          const texts = incidentTexts({ timeZone: 'UTC', clock: time }).opening(fired, undefined, []);
          void table.create({ ...message, ...texts, correlationId: fired.correlationId, openedBy: fired.id });
          return table;
        },
      });
      h.send(configSchema.parse({}).topics.anomaly, {
        ...{ ...message, sequence: message.sequence + 1, phase: 'resolved', endReason: 'cleared' },
        ...{ endedAt: isoUtc(h.time.wallMs()), at: isoUtc(h.time.wallMs()) },
      });
      await h.settle();
      expect(h.answers.at(-1)).toMatchObject({ result: 'accepted', highWater: message.sequence + 1 });
      await h.pass(20 * minuteMs);
      expect(h.destination.rows.map((row) => `${row.correlationId} ${row.state}`)).toEqual([
        'home/pi/temperature/upper resolved',
        'home/pi/humidity/upper new',
      ]);
      expect(h.destination.rows[0]).toMatchObject({ openedBy: fired.id, sysId: fired.incident?.sysId });
      expect(h.handler.status().counts).toMatchObject({ firing: 1, dead: 0 });
    });

    test('the monitor calls the breach, and tells its end with the next sequence', async () => {
      const folder = copyOf(release);
      change(folder);
      const h = await startMonitorHarness({ dataDir: folder, startMs: startMs + 5 * minuteMs });
      closing.push(h.close);
      const called = h.rollCalls()[0]?.keys.find((key) => key.rule === 'upper');
      expect(called).toMatchObject({ metric: 'temperature', lastSequence: 1, firing: { firingSequence: 1 } });
      await h.readFor(30_000, mild);
      expect(h.anomalies).toMatchObject([
        { rule: 'upper', phase: 'resolved', sequence: 2, firingSequence: 1, id: called?.firing?.id },
      ]);
      expect(h.monitor.status().messages.waiting).toBe(0);
    });
  });

  test.each([
    [handlerStoreName, (path: string) => openHandlerStore(path, 'memory/incident')],
    ['monitor.db', openJournal],
  ] as const)('%s of a newer major version is refused and left as it is', (name, open) => {
    const folder = copyOf(release);
    const path = join(folder, name);
    withDatabase(path, (db) => {
      db.pragma('journal_mode = WAL');
      db.exec(`PRAGMA user_version = ${(Math.floor(versionOf(db) / 1000) + 1) * 1000}`);
    });
    const before = readFileSync(path);
    const files = readdirSync(folder);
    expect(() => open(path)).toThrow(/was written by a newer release .* Install that release again/);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(files);
  });
});
