import { deviceKey } from './contract.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

export interface RemovePorts {
  delete(id: string): Promise<void>;
}

/** `DELETE /{id}`: the device is gone, whether or not it was there. */
export async function remove({ id }: HttpRequest, ports: RemovePorts): Promise<HttpAnswer> {
  const key = deviceKey.safeParse(id);
  if (key.success) await ports.delete(key.data);
  return { status: 204 };
}
