import { createHash } from 'node:crypto';
import { type Device, deviceKey, type NewDevice, newDevice } from './contract.ts';
import type { DeviceRow } from './device-row.ts';
import { type HttpAnswer, type HttpRequest, parseBody, problemAnswer } from './http.ts';
import { ulid, ulidOf } from './ulid.ts';

export interface CreatePorts {
  /** Writes a row under a key that is free; answers what lies there otherwise: undefined where it is no device any more. */
  insert(row: DeviceRow): Promise<{ was: 'free' } | { was: 'taken'; by: DeviceRow | undefined }>;
  nowMs: number;
  /** 10 bytes. */
  random: Uint8Array;
}

const idempotencyKey = /^[\x21-\x7e]{16,255}$/;

/**
 * `POST`: registers a device. A request that is repeated under its `Idempotency-Key`, by the caller or by the SDK of
 * this function, finds what it made and gets the same answer; what was removed since does not come back by it.
 */
export async function create(path: string, request: HttpRequest, ports: CreatePorts): Promise<HttpAnswer> {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && !idempotencyKey.test(key)) {
    return problemAnswer(400, 'Idempotency-Key is not 16 to 255 visible characters. Send a new UUID for each device.');
  }
  const parsed = parseBody(newDevice, request);
  if (!parsed.ok) return parsed.answer;

  const id = deviceKey.parse(key === undefined ? ulid(ports.nowMs, ports.random) : ulidOf(key));
  const at = new Date(ports.nowMs).toISOString();
  const made: Device = { ...parsed.value, id, createdAt: at, updatedAt: at, version: 1 };
  const row = { device: made, requestDigest: digestOf(parsed.value) };
  const found = await ports.insert(row);
  if (found.was === 'free') return created(path, made);
  if (found.by === undefined) {
    return problemAnswer(
      409,
      'The device of this Idempotency-Key has been removed. Send a new key to register it once more.',
    );
  }
  if (found.by.requestDigest === row.requestDigest) return created(path, found.by.device);
  return problemAnswer(409, 'This Idempotency-Key has registered another device. Send a new one for each device.', {
    currentVersion: found.by.device.version,
  });
}

function created(path: string, device: Device): HttpAnswer {
  return { status: 201, headers: { location: `${path === '/' ? '' : path}/${device.id}` }, body: device };
}

function digestOf({ title, deviceId, site, priority }: NewDevice): string {
  const fields = [title, deviceId ?? null, site ?? null, priority];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
