import { type DeviceStatusMessage, maxSentBytes, type RollCallKey } from '../anomaly/anomaly.ts';
import { firing } from '../anomaly/detect.ts';
import { occurrenceId } from '../anomaly/identity.ts';
import { isoUtc } from '../platform/time.ts';
import { type DeviceState, keyName } from './device-state.ts';

export type RollCallPage = Extract<DeviceStatusMessage, { kind: 'roll-call' }>;
type Head = Omit<RollCallPage, 'page' | 'pages' | 'keys'>;

/** Keys on one page at most, by the schema. */
const mostKeys = 200;
/** Room for the numbers of page and pages. */
const spareBytes = 32;

/** What a device says of all its keys, one after the other; `waits` tells whether messages of a key are unanswered. */
export function rollCallKeys(
  device: DeviceState,
  installationId: string,
  waits: (key: string) => boolean,
): RollCallKey[] {
  const fires = new Map(firing(device.detection).map((occurrence) => [keyName(occurrence), occurrence]));
  return [...device.keys.values()].map((key): RollCallKey => {
    const name = keyName(key);
    const occurrence = device.unsaid.has(name) ? undefined : fires.get(name);
    const { metric, rule, lastSequence, firingSequence } = key;
    const waiting = waits(key.key) || device.unsaid.has(name) || (occurrence !== undefined && firingSequence === null);
    if (occurrence === undefined || firingSequence === null)
      return { metric, rule, lastSequence, firing: null, waiting };
    const { severity, unit, value, limit, deadband, peak, startedAtMs, text } = occurrence;
    const id = occurrenceId(installationId, key, firingSequence);
    const told = { severity, unit, value, limit, deadband, peak, startedAt: isoUtc(startedAtMs), text };
    return { metric, rule, lastSequence, firing: { id, firingSequence, ...told }, waiting };
  });
}

/** The pages of one call, each under `maxSentBytes`; one empty page where there is nothing to say. */
export function rollCallPages(head: Head, keys: readonly RollCallKey[]): RollCallPage[] {
  const emptyBytes = Buffer.byteLength(JSON.stringify({ ...head, page: 1, pages: 1, keys: [] })) + spareBytes;
  const pages: RollCallKey[][] = [[]];
  let bytes = emptyBytes;
  for (const key of keys) {
    const keyBytes = Buffer.byteLength(JSON.stringify(key)) + 1;
    const page = pages.at(-1) ?? [];
    if (page.length > 0 && (bytes + keyBytes > maxSentBytes || page.length >= mostKeys)) {
      pages.push([key]);
      bytes = emptyBytes + keyBytes;
    } else {
      page.push(key);
      bytes += keyBytes;
    }
  }
  return pages.map((part, index) => ({ ...head, page: index + 1, pages: pages.length, keys: part }));
}
