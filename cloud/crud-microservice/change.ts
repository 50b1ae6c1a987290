import { type Device, type DeviceChange, deviceChange, deviceKey } from './contract.ts';
import { type HttpAnswer, type HttpRequest, noDevice, parseBody, problemAnswer } from './http.ts';

/** What is to become of one row. */
export interface Update {
  id: string;
  set: Readonly<Record<string, string | number>>;
  remove: readonly string[];
  /** The version that the row must have; any where absent. */
  version: number | undefined;
  updatedAt: string;
}

export interface ChangePorts {
  update(update: Update): Promise<{ was: 'changed' | 'other-version'; device: Device } | { was: 'missing' }>;
  nowMs: number;
}

/** `PATCH /{id}` */
export async function change(request: HttpRequest, { update, nowMs }: ChangePorts): Promise<HttpAnswer> {
  const parsed = parseBody(deviceChange, request);
  if (!parsed.ok) return parsed.answer;
  const key = deviceKey.safeParse(request.id);
  if (!key.success) return noDevice(request.id);
  const wanted = updateOf(key.data, parsed.value, nowMs);
  const found = await update(wanted);
  if (found.was === 'missing') return noDevice(request.id);
  if (found.was === 'changed' || isOwn(wanted, found.device)) return { status: 200, body: found.device };
  return problemAnswer(
    409,
    `The device has version ${found.device.version} and not ${wanted.version}. Read it again, and change what you find.`,
    { currentVersion: found.device.version },
  );
}

/**
 * Whether it was this very request: the SDK sends one again whose answer was lost. Another one may have written the same
 * version in the same millisecond, so all that was wanted has to be there.
 */
function isOwn({ version, updatedAt, set, remove }: Update, found: Device): boolean {
  if (version === undefined || found.version !== version + 1 || found.updatedAt !== updatedAt) return false;
  const fields = new Map<string, unknown>(Object.entries(found));
  return (
    Object.entries(set).every(([field, value]) => fields.get(field) === value) &&
    remove.every((field) => fields.get(field) === undefined)
  );
}

export function updateOf(id: string, { version, ...fields }: DeviceChange, nowMs: number): Update {
  const set: Record<string, string | number> = {};
  const remove: string[] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (value === null) remove.push(field);
    else if (value !== undefined) set[field] = value;
  }
  return { id, set, remove, version, updatedAt: new Date(nowMs).toISOString() };
}
