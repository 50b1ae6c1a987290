import { createHash } from 'node:crypto';
import type { NewIncident } from './contract.ts';

/** How a request with an `Idempotency-Key` is named in ServiceNow. */
export interface RequestName {
  /** The same for the same two keys: 20 hexadecimal digits. */
  ofKey: string;
  /** `ofKey` and 12 digits of what was asked for: 32 in all. */
  whole: string;
}

/**
 * Names a request by its caller, its `Idempotency-Key` and what it asks for, so that a repetition is told from another
 * request under the same key whatever people change in the incident meanwhile.
 * @param keyId key that the request came with: names of one caller mean nothing to another
 */
export function nameRequest(keyId: string, idempotencyKey: string, wanted: NewIncident): RequestName {
  const ofKey = digest(`${keyId}\n${idempotencyKey}`).slice(0, 20);
  const { site, device, shortDescription, description = '', impact, urgency } = wanted;
  const asked = digest(JSON.stringify([site, device, shortDescription, description, impact, urgency]));
  return { ofKey, whole: `${ofKey}${asked.slice(0, 12)}` };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
