import { type Device, deviceKey } from './contract.ts';
import { type HttpAnswer, type HttpRequest, noDevice } from './http.ts';

export interface ReadPorts {
  get(id: string): Promise<Device | undefined>;
}

/** `GET /{id}` */
export async function read({ id }: HttpRequest, { get }: ReadPorts): Promise<HttpAnswer> {
  const key = deviceKey.safeParse(id);
  const found = key.success ? await get(key.data) : undefined;
  return found === undefined ? noDevice(id) : { status: 200, body: found };
}
