import type { ParkedRecord } from '../shared/parked-record.ts';
import { type Device, type EventDetail, type EventType, eventDetail, type ParkingReason } from './contract.ts';
import { deviceRow, isTombstone } from './device-row.ts';
import type { RowChange } from './stream-event.ts';

/** An event to be told, and the place in the stream that it comes from. */
export interface Announcement {
  change: RowChange;
  type: EventType;
  atMs: number;
  detail: EventDetail;
}

export type Told = { ok: true; announcement: Announcement } | { ok: false; parked: ParkedRecord };

/** The event of one change of a row; undefined where a tombstone goes, as its device was told as removed long ago. */
export function announcementOf(change: RowChange): Told | undefined {
  const isGone = (row: unknown, never: 'REMOVE' | 'INSERT') => change.change === never || isTombstone(row);
  const after = isGone(change.after, 'REMOVE') ? undefined : deviceRow.safeParse(change.after);
  const before = isGone(change.before, 'INSERT') ? undefined : deviceRow.safeParse(change.before);
  if (after === undefined && before === undefined) return undefined;
  const failed = [after, before].find((row) => row?.success === false);
  if (failed?.error !== undefined) {
    const [issue] = failed.error.issues;
    return notADevice(change, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`);
  }
  const newer = after?.data?.device;
  const older = before?.data?.device;
  const device = newer ?? older;
  if (device === undefined) return notADevice(change, 'the change has no row');
  const changed = newer !== undefined && older !== undefined ? differences(older, newer) : undefined;
  return {
    ok: true,
    announcement: {
      change,
      type: newer === undefined ? 'DeviceRemoved' : older === undefined ? 'DeviceRegistered' : 'DeviceChanged',
      atMs: change.arrivedMs,
      detail: eventDetail.parse({ eventId: change.eventId, device, ...(changed === undefined ? {} : { changed }) }),
    },
  };
}

/** Fields that people change; what each change changes is not among them. */
const ownFields = ['title', 'deviceId', 'site', 'priority'] as const;

function differences(older: Device, newer: Device): string[] {
  return ownFields.filter((field) => older[field] !== newer[field]);
}

function notADevice(change: RowChange, detail: string): Told {
  return { ok: false, parked: parkedOf(change, 'not-a-device', detail) };
}

function parkedOf(change: RowChange, reason: ParkingReason, detail: string): ParkedRecord {
  return { id: change.eventId, reason, detail, bytes: Buffer.from(JSON.stringify(change)) };
}

/** How far the bus took a batch. */
export interface Taken {
  /** What it will never take, and why. */
  refused: readonly { announcement: Announcement; why: string }[];
  /** The first that it did not take now; none after that one was sent but those of the same request. */
  left: Announcement | undefined;
}

export interface AnnouncePorts {
  bus: { tell(announcements: readonly Announcement[]): Promise<Taken> };
  parking: { park(records: readonly ParkedRecord[]): Promise<void> };
}

export interface AnnounceResult {
  told: number;
  parked: readonly ParkedRecord[];
  batchItemFailures: { itemIdentifier: string }[];
}

/**
 * One batch of the table's stream. Lambda sends it again from the first event on that the bus did not take: an event can
 * be told twice, under one `eventId`, and none is left out.
 * @throws what a port throws: then the batch is tried again as a whole.
 */
export async function announceBatch(
  changes: readonly RowChange[],
  { bus, parking }: AnnouncePorts,
): Promise<AnnounceResult> {
  const results = changes.map(announcementOf);
  const announcements = results.flatMap((result) => (result?.ok ? [result.announcement] : []));
  const { refused, left } = await bus.tell(announcements);
  // What stands behind it comes again with it.
  const before = left === undefined ? results : results.slice(0, changes.indexOf(left.change));
  const parked = [
    ...before.flatMap((result) => (result?.ok === false ? [result.parked] : [])),
    ...refused.map(({ announcement, why }) => parkedOf(announcement.change, 'event-refused', why)),
  ];
  await parking.park(parked);
  return {
    told: before.filter((result) => result?.ok).length - refused.length,
    parked,
    batchItemFailures: left === undefined ? [] : [{ itemIdentifier: left.change.sequenceNumber }],
  };
}
