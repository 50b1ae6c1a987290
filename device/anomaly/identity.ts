import { createHash } from 'node:crypto';
import type { Key } from './anomaly.ts';

/** `site/device/metric/rule`, each part percent-encoded: the one text form of a key, in stores, logs and incidents. */
export function keyText(key: Key): string {
  return [key.site, key.deviceId, key.metric, key.rule].map(encodeURIComponent).join('/');
}

/**
 * The key as ServiceNow's `correlation_id` holds it (100 characters; longer values are cut without an error): longer
 * than 100, it is the first 67 characters, `~`, and 32 hex digits of the SHA-256 of the whole.
 */
export function correlationId(key: Key): string {
  const text = keyText(key);
  return text.length <= 100 ? text : `${text.slice(0, 67)}~${sha256Hex32(text)}`;
}

/** Id of an occurrence: 32 hex digits of SHA-256 over installation, key and the sequence of its firing. */
export function occurrenceId(installationId: string, key: Key, firingSequence: number): string {
  return sha256Hex32(`${installationId}\n${keyText(key)}\n${firingSequence}`);
}

function sha256Hex32(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
