import { z } from 'zod';
import { type Device, device } from './contract.ts';

/** A row of the table: the device, and what it was registered from. */
export interface DeviceRow {
  device: Device;
  /** Digest of the request that registered it: tells a repeated request from another one. */
  requestDigest: string;
}

const text = z.object({ S: z.string() }).transform(({ S }) => S);
const number = z.object({ N: z.string().transform(Number) }).transform(({ N }) => N);

/** A row as DynamoDB writes it, in answers and in its stream. */
export const deviceRow = z
  .object({
    id: text,
    title: text,
    deviceId: text.optional(),
    site: text.optional(),
    priority: number,
    createdAt: text,
    updatedAt: text,
    version: number,
    requestDigest: text,
  })
  .transform(({ requestDigest, ...fields }) => ({ device: fields, requestDigest }))
  .pipe(z.object({ device, requestDigest: z.string() }));

/** What a removed device leaves, so that a late repeat of its registration does not bring it back. */
export interface Tombstone {
  id: string;
  removedAt: string;
  /** When DynamoDB may drop it, epoch seconds. */
  expiresAt: number;
}

/** How long a key that registered a device is known after its removal. */
export const tombstoneDays = 30;

/** The field of a row by which DynamoDB drops it. */
export const timeToLiveField = 'expiresAt';

const tombstone = z.object({ id: text, removedAt: text, expiresAt: number });

export function isTombstone(row: unknown): boolean {
  return tombstone.safeParse(row).success;
}

/** The same for a request to DynamoDB. */
export function attributesOf({ device: fields, requestDigest }: DeviceRow) {
  const { id, title, deviceId, site, priority, createdAt, updatedAt, version } = fields;
  return {
    id: { S: id },
    title: { S: title },
    ...(deviceId === undefined ? {} : { deviceId: { S: deviceId } }),
    ...(site === undefined ? {} : { site: { S: site } }),
    priority: { N: String(priority) },
    createdAt: { S: createdAt },
    updatedAt: { S: updatedAt },
    version: { N: String(version) },
    requestDigest: { S: requestDigest },
  };
}
