import { z } from 'zod';
import type { Store } from '../../platform/sqlite.ts';

const installationRow = z.object({ installation_id: z.string(), installation_created_at: z.string() }).optional();
const sequenceRow = z.object({ sequence: z.number() }).optional();
const countRow = z.object({ n: z.number() });
const deviceRow = z.object({ site: z.string(), device_id: z.string() });

/** Whose messages are counted: one device under one installation of its monitor (a gateway's has many devices). */
export interface Speaker {
  site: string;
  deviceId: string;
  installationId: string;
}

/** Devices, their installations, and up to where each key was accepted. */
export function devicesOf(db: Store) {
  const sql = {
    get: db.prepare('SELECT installation_id, installation_created_at FROM device WHERE site = ? AND device_id = ?'),
    set: db.prepare(
      `INSERT INTO device (site, device_id, installation_id, installation_created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET installation_id = excluded.installation_id, installation_created_at = excluded.installation_created_at`,
    ),
    list: db.prepare('SELECT site, device_id FROM device LIMIT ?'),
    count: db.prepare('SELECT count(*) AS n FROM device'),
    forget: db.prepare('DELETE FROM high_water WHERE site = ? AND device_id = ? AND installation_id = ?'),
    getMark: db.prepare(
      'SELECT sequence FROM high_water WHERE site = ? AND device_id = ? AND installation_id = ? AND correlation_id = ?',
    ),
    setMark: db.prepare(
      `INSERT INTO high_water (site, device_id, installation_id, correlation_id, sequence) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)`,
    ),
  };

  return {
    installation(site: string, deviceId: string): { id: string; createdAt: string } | undefined {
      const row = installationRow.parse(sql.get.get(site, deviceId));
      return row && { id: row.installation_id, createdAt: row.installation_created_at };
    },
    setInstallation(site: string, deviceId: string, installation: { id: string; createdAt: string }): void {
      sql.set.run(site, deviceId, installation.id, installation.createdAt);
    },
    devices: (limit: number): { site: string; deviceId: string }[] =>
      sql.list.all(limit).map((raw) => {
        const row = deviceRow.parse(raw);
        return { site: row.site, deviceId: row.device_id };
      }),
    countDevices: (): number => countRow.parse(sql.count.get()).n,

    /** Highest sequence accepted of a key; 0 before the first. */
    highWater: ({ site, deviceId, installationId }: Speaker, correlationId: string): number =>
      sequenceRow.parse(sql.getMark.get(site, deviceId, installationId, correlationId))?.sequence ?? 0,
    setHighWater({ site, deviceId, installationId }: Speaker, correlationId: string, sequence: number): void {
      sql.setMark.run(site, deviceId, installationId, correlationId, sequence);
    },
    /** Nothing of this installation is accepted any more, so its marks are of no use. */
    forgetHighWater({ site, deviceId, installationId }: Speaker): void {
      sql.forget.run(site, deviceId, installationId);
    },
  };
}
