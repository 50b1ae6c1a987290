import { deviceKey } from './contract.ts';
import { type Tombstone, tombstoneDays } from './device-row.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

export interface RemovePorts {
  /** Leaves the tombstone in place of the device; changes nothing where none is. */
  bury(tombstone: Tombstone): Promise<void>;
  nowMs: number;
}

const dayS = 86_400;

/** `DELETE /{id}`: the device is gone, whether or not it was there. */
export async function remove({ id }: HttpRequest, { bury, nowMs }: RemovePorts): Promise<HttpAnswer> {
  const key = deviceKey.safeParse(id);
  if (key.success) {
    const expiresAt = Math.ceil(nowMs / 1_000) + tombstoneDays * dayS;
    await bury({ id: key.data, removedAt: new Date(nowMs).toISOString(), expiresAt });
  }
  return { status: 204 };
}
