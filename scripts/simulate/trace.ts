import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Reading } from '../../device/reading/reading.ts';
import { readingsOfNdjson } from '../audit/readings.ts';
import type { Downtime, PublishedReading } from '../audit/truth.ts';

/** Everything that the sensor has said in this data folder, for the audit; readings of earlier runs come first. */
export interface ReadingTrace {
  add(reading: Reading, bootId: string): void;
  readings(): PublishedReading[];
  /** Between the runs, in which nobody read the sensor. */
  downtimes(): Downtime[];
  close(): void;
}

/** Its name in the data folder. */
export const traceFile = 'readings.ndjson';
const writeAtCharacters = 32_000;

/** The trace in `<dataDir>/readings.ndjson`, one reading a line; written in pieces, and what is left at `close`. */
export function openReadingTrace(dataDir: string): ReadingTrace {
  const path = join(dataDir, traceFile);
  const fd = openSync(path, 'a', 0o600);
  endLastLine(path);
  let pending = '';
  let closed = false;

  function flush(): void {
    if (pending !== '') writeSync(fd, pending);
    pending = '';
  }

  function readings(): PublishedReading[] {
    if (!closed) flush();
    return readingsOfNdjson(path);
  }

  return {
    add({ site, deviceId, atMs, monotonicMs, metrics }, bootId) {
      pending += `${JSON.stringify({ site, deviceId, atMs, monotonicMs, bootId, metrics })}\n`;
      if (pending.length >= writeAtCharacters) flush();
    },
    readings,
    downtimes() {
      const gaps: Downtime[] = [];
      let before: PublishedReading | undefined;
      for (const reading of readings()) {
        if (before !== undefined && before.bootId !== reading.bootId) {
          gaps.push({ fromMs: before.atMs, toMs: reading.atMs });
        }
        before = reading;
      }
      return gaps;
    },
    close() {
      if (closed) return;
      flush();
      closed = true;
      closeSync(fd);
    },
  };
}

/** A run that was killed may have left half a line. */
function endLastLine(path: string): void {
  const content = readFileSync(path);
  if (content.length === 0 || content.at(-1) === 0x0a) return;
  truncateSync(path, content.lastIndexOf(0x0a) + 1);
}
