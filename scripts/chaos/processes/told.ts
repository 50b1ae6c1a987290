import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { z } from 'zod';
import { answerMessage } from '../../../device/anomaly/anomaly.ts';
import { correlationId } from '../../../device/anomaly/identity.ts';
import type { ComponentName } from './bundles.ts';
import type { Finding } from './round.ts';

const { rule } = answerMessage.shape;
const key = z.object({ site: z.string(), deviceId: z.string(), metric: z.string(), rule });
const anomaly = key.extend({ installationId: z.string(), sequence: z.number() });
/** An answer tells how far the handler has accepted what came of a key. */
const answer = key
  .extend({ installationId: z.string(), highWater: z.number() })
  .transform(({ highWater, ...rest }) => ({ ...rest, sequence: highWater }));
const told = z.array(anomaly);
type Told = z.infer<typeof anomaly>;

export interface Telling {
  /** Something is handed over to be published. */
  add(topic: string, payload: string | Buffer): void;
  /** Leaves in that folder what a power loss now may not take back. */
  leave(folder: string): void;
}

/** The last that a component has told of each key. */
export function createTelling(): Telling {
  const last = new Map<string, Told>();
  return {
    add(topic, payload) {
      const schema = { 'IoTBlog/anomaly': anomaly, 'IoTBlog/anomaly/ack': answer }[topic];
      if (schema === undefined) return;
      const now = schema.parse(JSON.parse(payload.toString()));
      const name = correlationId(now);
      const before = last.get(name);
      // What was not answered is sent again.
      if (before?.installationId === now.installationId && before.sequence > now.sequence) return;
      last.set(name, now);
    },
    leave(folder) {
      writeFileSync(join(folder, 'told.json'), JSON.stringify([...last.values()]));
    },
  };
}

const stored = z.array(
  z.object({
    device: z.string().nullable(),
    installation: z.string(),
    correlation: z.string().nullable(),
    sequence: z.number().nullable(),
  }),
);
const rowsOf: Readonly<Record<ComponentName, string>> = {
  monitor: `SELECT device_id AS device, json_extract(value, '$.id') AS installation, last_sequence AS sequence,
      site || '/' || device_id || '/' || metric || '/' || rule AS correlation
    FROM meta LEFT JOIN rule_key WHERE name = 'installation'`,
  handler: `SELECT d.device_id AS device, d.installation_id AS installation, correlation_id AS correlation, sequence
    FROM device d LEFT JOIN high_water USING (site, device_id, installation_id)`,
};

/**
 * What a component has told of before its store holds it for certain. Of an installation that the store does not know any
 * more nothing need be there.
 */
export function takenBack(folder: string, name: ComponentName): Finding[] {
  const scratch = join(folder, 'certain');
  mkdirSync(scratch, { recursive: true });
  const path = join(scratch, 'store.db');
  copyFileSync(join(folder, 'synced.db'), path);
  copyFileSync(join(folder, '0.wal'), `${path}-wal`);
  const db = new Database(path);
  try {
    const rows = stored.parse(db.prepare(rowsOf[name]).all());
    return told.parse(JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8'))).flatMap((one) => {
      const correlation = correlationId(one);
      // All devices of a monitor are of its installation, those that it has no key of, too.
      const known = rows.find(({ device }) => name === 'monitor' || device === one.deviceId);
      if (known !== undefined && known.installation !== one.installationId) return [];
      const sequence = rows.find((row) => row.correlation === correlation)?.sequence ?? 0;
      if (sequence >= one.sequence) return [];
      const what = `the ${name} has told of ${correlation} up to ${one.sequence}, its disk holds it up to ${sequence}`;
      return [{ invariant: 'what was told is on the disk', what }];
    });
  } finally {
    db.close();
    rmSync(scratch, { recursive: true });
  }
}
