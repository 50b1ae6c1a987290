import { type DestinationTemplate, longestLine, type Slice } from './contract.ts';
import { rangeOf, sliceLines } from './slice-lines.ts';
import { lineTransform, type Refusal } from './transform-line.ts';

/** Takes what a slice becomes. Nothing is there for readers before `end`. */
export interface Sink {
  /** Waits where the destination is slower than the source. */
  write(bytes: Uint8Array): Promise<void>;
  /** @returns how many requests wrote it; none, and no object, where nothing was written */
  end(): Promise<number>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface SlicePorts {
  source: {
    /** @returns undefined where the object is not that one any more */
    read(slice: Slice, from: number, to: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  };
  delivered: {
    open(key: string, contentType: string): Sink;
    put(key: string, text: string): Promise<void>;
  };
}

export interface Delivered {
  lines: number;
  rejected: number;
  bytesIn: number;
  bytesOut: number;
  puts: number;
}

const flushBytes = 1_048_576;
/** Of the refused lines of a slice; the others are counted only. */
const mostRefused = 1_000_000;
const longestShown = 2_000;

/** Where a slice's files are: the same for the same slice, so that a slice that is done twice is there once. */
export function deliveredFolder({ key, job }: Pick<Slice, 'key' | 'job'>): string {
  return `${key.replace(/^exports\//, '')}/${job}`;
}

/**
 * Reads the lines of a slice, and writes what the destination's template makes of them. What can never be used is written
 * beside it, with place and reason.
 * @returns undefined where the object has changed since it was cut
 * @throws the adapters' errors; then it may be tried again, as its files are the same under the same names
 */
export async function transformSlice(
  slice: Slice,
  template: DestinationTemplate,
  { source, delivered }: SlicePorts,
): Promise<Delivered | undefined> {
  const { from, to } = rangeOf(slice, longestLine);
  const chunks = await source.read(slice, from, to);
  if (chunks === undefined) return undefined;
  const { head, transform } = lineTransform(template);
  const lines = sliceLines(slice, longestLine);
  const part = String(slice.index).padStart(5, '0');
  const folder = deliveredFolder(slice);
  const sink = delivered.open(
    `${folder}/part-${part}.${template.output}`,
    template.output === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
  );
  const result = { lines: 0, rejected: 0, bytesIn: slice.end - slice.start, bytesOut: 0, puts: 0 };
  let text = '';
  let refusals = '';

  const flush = async () => {
    const bytes = Buffer.from(text);
    text = '';
    result.bytesOut += bytes.length;
    await sink.write(bytes);
  };
  const use = (read: ReturnType<typeof lines.push>) => {
    for (const line of read) {
      const made = transform(line);
      if (made.kind === 'out') {
        text += result.lines === 0 ? head + made.text : made.text;
        result.lines += 1;
      } else if (made.kind === 'refused') {
        result.rejected += 1;
        if (refusals.length < mostRefused) refusals += refusalLine(made.reason, line.offset, line.bytes);
      }
    }
  };
  try {
    for await (const chunk of chunks) {
      use(lines.push(chunk));
      if (text.length >= flushBytes) await flush();
      if (lines.isDone()) break;
    }
    use(lines.finish());
    if (text !== '') await flush();
    result.puts = await sink.end();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  if (refusals !== '') {
    await delivered.put(`${folder}/rejected-${part}.ndjson`, refusals);
    result.puts += 1;
  }
  return result;
}

function refusalLine(reason: Refusal, offset: number, bytes: Buffer | undefined): string {
  const shown = bytes === undefined ? {} : { line: bytes.subarray(0, longestShown).toString(), bytes: bytes.length };
  return `${JSON.stringify({ offset, reason, ...shown })}\n`;
}
