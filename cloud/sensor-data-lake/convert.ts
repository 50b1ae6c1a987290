import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { ParkedRecord } from '../shared/parked-record.ts';
import type { Gateways } from '../stream-ingestion/contract.ts';
import type { ParkingReason, Sample } from './contract.ts';
import { dayOf, decode } from './decode.ts';
import { writeSamples } from './samples-file.ts';

export interface RawObject {
  key: string;
  bytes: Uint8Array;
}

export interface Conversion {
  /** Parquet, one for each day; the same raw object gives the same files. */
  files: readonly { key: string; bytes: Uint8Array }[];
  samples: number;
  parked: readonly ParkedRecord[];
  /** Instant of the newest sample, epoch ms; undefined where there is none. */
  newestMs: number | undefined;
}

/** What a raw object may have, packed and unpacked: four times what Firehose collects. */
export const largestObject = 64 * 1024 * 1024;

/** Lines of one object that are parked one by one; of more the object is parked by its name, as one record. */
export const mostParkedLines = 100;

/**
 * A raw object, lines of messages, as files of the table. A line that is no reading is parked with its payload; more than
 * `mostParkedLines` of them by the name of the object, which has them as they came.
 */
export function convertObject({ key, bytes }: RawObject, gateways: Gateways): Conversion {
  const text = unpack(bytes);
  if (text === undefined) return refused(key, 'not-text', `object ${key} is neither gzip nor text`, bytes);
  const samples: Sample[] = [];
  const parked: ParkedRecord[] = [];
  let place = 0;
  for (const line of text.split('\n')) {
    place += 1;
    if (line === '') continue;
    const decoded = decode(line, gateways);
    if (decoded.kind === 'samples') samples.push(...decoded.samples);
    else {
      const { reason, detail, bytes: payload } = decoded;
      parked.push({ id: `${key}:${place}`, reason, detail, bytes: payload });
    }
  }
  return {
    files: [...byDay(samples)].map(([day, ofDay]) => ({ key: fileKey(day, key), bytes: writeSamples(ofDay) })),
    samples: samples.length,
    parked: parked.length > mostParkedLines ? [referenceTo(key, parked)] : parked,
    newestMs: samples.reduce<number | undefined>((newest, { atMs }) => Math.max(newest ?? atMs, atMs), undefined),
  };
}

function referenceTo(key: string, refusedLines: readonly ParkedRecord[]): ParkedRecord {
  const counts: Record<string, number> = {};
  for (const { reason } of refusedLines) counts[reason] = (counts[reason] ?? 0) + 1;
  const [first] = refusedLines;
  const reason: ParkingReason = 'many-lines-refused';
  return {
    ...{ id: key, reason, records: refusedLines.length },
    detail: `${refusedLines.length} lines; ${first?.id ?? ''} is the first: ${first?.reason ?? ''}, ${first?.detail ?? ''}`,
    bytes: Buffer.from(JSON.stringify({ key, refused: counts })),
  };
}

/** A raw object that is parked as a whole. */
export function refused(key: string, reason: ParkingReason, detail: string, bytes: Uint8Array): Conversion {
  return { files: [], samples: 0, parked: [{ id: key, reason, detail, bytes }], newestMs: undefined };
}

/** The same for the same object, so that one that is converted again replaces its files. */
function fileKey(day: string, rawKey: string): string {
  return `samples/day=${day}/${createHash('sha256').update(rawKey).digest('hex').slice(0, 32)}.parquet`;
}

function byDay(samples: readonly Sample[]): Map<string, Sample[]> {
  const days = new Map<string, Sample[]>();
  for (const sample of samples) {
    const day = dayOf(sample);
    const known = days.get(day);
    if (known === undefined) days.set(day, [sample]);
    else known.push(sample);
  }
  return days;
}

/** @returns undefined where it is not UTF-8, packed or not, or is larger than anything Firehose writes. */
function unpack(bytes: Uint8Array): string | undefined {
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const plain = isGzip ? gunzipSync(bytes, { maxOutputLength: largestObject }) : bytes;
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch {
    return undefined;
  }
}
