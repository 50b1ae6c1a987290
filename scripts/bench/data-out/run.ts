import { type DestinationTemplate, readingsCsv } from '../../../cloud/data-out/contract.ts';
import { type Delivered, transformSlice } from '../../../cloud/data-out/transform-slice.ts';

export interface Run {
  megabytes: number;
  seconds: number;
  /** Of this process, with what V8 does beside it. */
  cpuSeconds: number;
  outputRatio: number;
}

/** Bytes of one slice that is worked on. */
export const benchSlice = 64_000_000;
const chunkBytes = 65_536;

/** Readings as devices publish them, about 220 bytes each: the size of the post's events. */
export function readingsOf(bytes: number): Buffer {
  const lines: string[] = [];
  let size = 0;
  for (let place = 0; size < bytes; place += 1) {
    const line = `${JSON.stringify({
      ...{ version: 1, deviceId: `press-${place % 1_000}`, site: 'hall-2', seq: place },
      ts: new Date(1_767_323_045_000 + place * 100).toISOString(),
      metrics: { temperature: 20 + (place % 97) / 10, humidity: 40 + (place % 53) / 10 },
      ...{ bootId: 'b7d1c2e4', monotonicMs: place * 100, clockSynchronised: true, clockSource: 'chrony' },
    })}\n`;
    lines.push(line);
    size += line.length;
  }
  return Buffer.from(lines.join(''));
}

/** Turns slices of the content into rows, as the function does, from memory into nothing. */
export async function transformFor(
  content: Buffer,
  ms: number,
  template: DestinationTemplate = readingsCsv,
): Promise<Run> {
  const slice = {
    job: '0'.repeat(32),
    destination: template.name,
    key: 'exports/readings-csv/a',
    etag: 'e',
    size: content.length,
    index: 0,
    start: 0,
    end: content.length,
  };
  const once = (): Promise<Delivered | undefined> =>
    transformSlice(slice, template, {
      source: { read: async (_, from, to) => chunksOf(content.subarray(from, to)) },
      delivered: {
        open: () => ({ write: async () => undefined, end: async () => 1, abort: async () => undefined }),
        put: async () => undefined,
      },
    });
  // Compiled before it counts.
  await once();
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  let [bytesIn, bytesOut, rejected] = [0, 0, 0];
  do {
    const delivered = await once();
    bytesIn += delivered?.bytesIn ?? 0;
    bytesOut += delivered?.bytesOut ?? 0;
    rejected += delivered?.rejected ?? 0;
  } while (performance.now() - startedAt < ms);
  if (rejected > 0) throw new Error(`${rejected} of the lines that are measured with were refused.`);
  const { user, system } = process.cpuUsage(cpu);
  return {
    megabytes: bytesIn / 1e6,
    seconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    outputRatio: bytesOut / bytesIn,
  };
}

async function* chunksOf(content: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
}
