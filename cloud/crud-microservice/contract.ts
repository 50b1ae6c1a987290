import { z } from 'zod';
import { namePart } from '../../device/reading/reading.ts';

/** A ULID: 26 characters of Crockford's base 32, at most 128 bits. */
export const deviceKey = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);

const title = z.string().trim().min(1).max(200).describe('What people call it.');
const deviceId = namePart.describe('The `deviceId` of its readings; under Greengrass its thing name.');
const site = namePart.describe('Where it stands, as in its readings.');
const priority = z.int().min(1).max(5).describe('How much it matters, 1 the most.');

/** A device as the registry knows it. */
export const device = z.object({
  id: deviceKey,
  title,
  deviceId: deviceId.optional(),
  site: site.optional(),
  priority,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.int().min(1).describe('Grows by one with each change.'),
});
export type Device = z.infer<typeof device>;

/** Body of `POST`. */
export const newDevice = z.strictObject({
  title,
  deviceId: deviceId.optional(),
  site: site.optional(),
  priority: priority.default(1),
});
export type NewDevice = z.infer<typeof newDevice>;

/** Body of `PATCH`: what is absent stays, what is null is taken away. */
export const deviceChange = z
  .strictObject({
    title: title.optional(),
    deviceId: deviceId.nullable().optional(),
    site: site.nullable().optional(),
    priority: priority.optional(),
    version: z.int().min(1).optional().describe('The version that the change was made for; another one is a conflict.'),
  })
  .refine(({ version: _, ...fields }) => Object.values(fields).some((value) => value !== undefined), {
    message: 'names nothing to change: title, deviceId, site or priority',
  });
export type DeviceChange = z.infer<typeof deviceChange>;

/** Body of a 200 of the list. */
export const deviceList = z.object({
  items: z.array(device),
  nextToken: z.string().optional().describe('For the next page; absent on the last one.'),
});

/** Body of every answer that is none of the above (RFC 9457, `application/problem+json`). */
export const problem = z.object({
  status: z.int(),
  title: z.string(),
  detail: z.string().describe('What is wrong, where, and what to do.'),
  currentVersion: z.int().optional().describe('With 409: the version that there is.'),
});
export type Problem = z.infer<typeof problem>;

/** `source` of the events. */
export const eventSource = 'greengrass-itsm.devices';

export const eventTypes = ['DeviceRegistered', 'DeviceChanged', 'DeviceRemoved'] as const;
export type EventType = (typeof eventTypes)[number];

/**
 * `detail` of an event. EventBridge delivers at least once and in no order: `eventId` tells a copy, and of two events of
 * one device the one with the higher `version` is newer; a removal ends its version.
 */
export const eventDetail = z.object({
  eventId: z.string().min(1).describe('The same however often the event is delivered.'),
  device: device.describe('As it is since; with DeviceRemoved as it was last.'),
  changed: z.array(z.string()).optional().describe('With DeviceChanged: the fields that differ.'),
});
export type EventDetail = z.infer<typeof eventDetail>;

/** Why a change of a row can never be told. */
export const parkingReasons = [
  /** The row is no device: somebody wrote it by hand. */
  'not-a-device',
  /** EventBridge does not take the event, and will not. */
  'event-refused',
] as const;
export type ParkingReason = (typeof parkingReasons)[number];
