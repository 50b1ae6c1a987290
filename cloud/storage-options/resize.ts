import { type CheckedUpload, type Conclusion, derivedKeys, originalKey, type Settled } from './contract.ts';
import type { Derived } from './derive.ts';

export interface ResizePorts {
  /**
   * The object, if it is still the one that was looked at.
   * @returns undefined where it is not
   * @throws the SDK's error
   */
  read(key: string, etag: string): Promise<Uint8Array | undefined>;
  derive(bytes: Uint8Array, contentType: CheckedUpload['contentType']): Promise<Derived>;
  /** @throws the SDK's error */
  write(key: string, body: Uint8Array | string, contentType: string): Promise<void>;
}

/** The files of a picture that was found valid. Their keys follow from its id, so a second time writes the same again. */
export async function resize(
  { id, etag, contentType }: CheckedUpload,
  ports: ResizePorts,
): Promise<Conclusion | Settled> {
  const bytes = await ports.read(originalKey(id), etag);
  // The other object has an event of its own.
  if (bytes === undefined) return { outcome: 'settled', why: 'gone' };
  const derived = await ports.derive(bytes, contentType);
  if (!derived.ok) return { outcome: 'refused', id, reason: derived.reason, reasonDetail: derived.detail };
  const { tile, scaled, exif } = derivedKeys(id);
  await ports.write(tile, derived.tile, 'image/jpeg');
  await ports.write(scaled, derived.scaled, 'image/jpeg');
  await ports.write(exif, derived.exif, 'application/json');
  return { outcome: 'resized', id, width: derived.width, height: derived.height };
}
