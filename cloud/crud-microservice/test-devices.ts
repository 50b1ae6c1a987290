import type { ChangePorts } from './change.ts';
import type { Device } from './contract.ts';
import type { CreatePorts } from './create.ts';
import { attributesOf, type DeviceRow, type Tombstone } from './device-row.ts';
import type { HttpRequest } from './http.ts';
import type { ListPorts } from './list.ts';
import type { ReadPorts } from './read.ts';
import type { RemovePorts } from './remove.ts';
import type { RowChange } from './stream-event.ts';

export const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const random = new Uint8Array(10).fill(7);

export function request(fields: Partial<HttpRequest> = {}): HttpRequest {
  return { id: undefined, query: {}, headers: {}, body: undefined, ...fields };
}

export function aDevice(fields: Partial<Device> = {}): Device {
  return {
    id: '01KDYDG6MY0E1R70Y3G7GE1R70',
    title: 'Press 4',
    deviceId: 'press-4',
    site: 'hall-2',
    priority: 1,
    createdAt: '2026-01-02T03:04:05.678Z',
    updatedAt: '2026-01-02T03:04:05.678Z',
    version: 1,
    ...fields,
  };
}

export function row(fields: Partial<Device> = {}): DeviceRow {
  return { device: aDevice(fields), requestDigest: 'd'.repeat(64) };
}

/** A tombstone as it lies in the table. */
export function buried({ id, removedAt, expiresAt }: Tombstone) {
  const { requestDigest } = attributesOf(row());
  return { id: { S: id }, removedAt: { S: removedAt }, expiresAt: { N: String(expiresAt) }, requestDigest };
}

type Table = Pick<CreatePorts, 'insert'> &
  ReadPorts &
  ListPorts &
  Pick<ChangePorts, 'update'> &
  Pick<RemovePorts, 'bury'>;

/** A table in memory, with the rows and the tombstones that lie in it. */
export function fakeTable(): Table & { rows: Map<string, DeviceRow>; tombstones: Map<string, Tombstone> } {
  const rows = new Map<string, DeviceRow>();
  const tombstones = new Map<string, Tombstone>();
  return {
    rows,
    tombstones,
    async insert(made) {
      const by = rows.get(made.device.id);
      if (by !== undefined || tombstones.has(made.device.id)) return { was: 'taken', by };
      rows.set(made.device.id, made);
      return { was: 'free' };
    },
    get: async (id) => rows.get(id)?.device,
    async page(limit, after) {
      const ids = [...rows.keys()].toSorted();
      const start = after === undefined ? 0 : ids.findIndex((id) => id > after);
      const some = start < 0 ? [] : ids.slice(start, start + limit);
      const isLast = start < 0 || start + limit >= ids.length;
      return { items: some.flatMap((id) => rows.get(id)?.device ?? []), next: isLast ? undefined : some.at(-1) };
    },
    async update({ id, set, remove, version, updatedAt }) {
      const known = rows.get(id);
      if (known === undefined) return { was: 'missing' };
      if (version !== undefined && version !== known.device.version) {
        return { was: 'other-version', device: known.device };
      }
      const kept = Object.entries(known.device).filter(([field]) => !remove.includes(field));
      const device: Device = { ...known.device, ...{ deviceId: undefined, site: undefined } };
      Object.assign(device, Object.fromEntries(kept), set, { updatedAt, version: known.device.version + 1 });
      rows.set(id, { ...known, device });
      return { was: 'changed', device };
    },
    async bury(tombstone) {
      if (rows.delete(tombstone.id)) tombstones.set(tombstone.id, tombstone);
    },
  };
}

/** A change of the table's stream: from one row to another; `place` is its place in the shard. */
export function rowChange(place: number, before: unknown, after: unknown): RowChange {
  return {
    eventId: `event-${place}`,
    change: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
    sequenceNumber: String(place),
    arrivedMs: nowMs,
    before,
    after,
  };
}

export function registered(place: number, fields: Partial<Device> = {}): RowChange {
  return rowChange(place, undefined, attributesOf(row(fields)));
}
