import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeOf, sliceLines } from './slice-lines.ts';

const longest = 12;

interface Seen {
  offset: number;
  text: string | undefined;
}

/** The lines of one slice, of bytes that come in chunks of this size. */
function linesOf(content: Buffer, start: number, end: number, chunkBytes: number): Seen[] {
  const { from, to } = rangeOf({ start, end, size: content.length }, longest);
  const lines = sliceLines({ start, end }, longest);
  const seen: Seen[] = [];
  const add = (read: ReturnType<typeof lines.push>) =>
    seen.push(...read.map(({ offset, bytes }) => ({ offset, text: bytes?.toString('latin1') })));
  for (let at = from; at < to && !lines.isDone(); at += chunkBytes) {
    add(lines.push(content.subarray(at, Math.min(to, at + chunkBytes))));
  }
  add(lines.finish());
  return seen;
}

/** All lines of the content, found without any slices. */
function allLines(content: Buffer): Seen[] {
  let offset = 0;
  const lines = content.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => {
    const seen = { offset, text: line.length > longest ? undefined : line };
    offset += line.length + 1;
    return seen;
  });
}

describe('the lines of slices', () => {
  test('wherever the cuts are and however the bytes come, each line is of exactly one slice', () => {
    const content = fc
      .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(10, 10, 97, 13) }, fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 120,
      })
      .map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(content, fc.array(fc.nat(119)), fc.integer({ min: 1, max: 40 }), (bytes, cuts, chunkBytes) => {
        const inside = [...new Set(cuts.filter((cut) => cut > 0 && cut < bytes.length))].toSorted((a, b) => a - b);
        const bounds = [0, ...inside, bytes.length];
        const seen = bounds.slice(1).flatMap((end, place) => linesOf(bytes, bounds[place] ?? 0, end, chunkBytes));
        expect(seen).toEqual(allLines(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a line that begins where a slice ends is of the next one', () => {
    const content = Buffer.from('one\ntwo\n');
    expect(linesOf(content, 0, 4, 3).map(({ text }) => text)).toEqual(['one']);
    expect(linesOf(content, 4, 8, 3).map(({ text }) => text)).toEqual(['two']);
  });

  test('a slice within one long line has none, and the line is refused once', () => {
    const content = Buffer.from(`a\n${'x'.repeat(40)}\nb`);
    expect(linesOf(content, 0, 10, 4)).toEqual([
      { offset: 0, text: 'a' },
      { offset: 2, text: undefined },
    ]);
    expect(linesOf(content, 10, 30, 4)).toEqual([]);
    expect(linesOf(content, 30, 44, 4)).toEqual([{ offset: 43, text: 'b' }]);
  });

  test('no more is read than one byte before the slice and one line behind it', () => {
    expect(rangeOf({ start: 100, end: 200, size: 1_000 }, longest)).toEqual({ from: 99, to: 213 });
    expect(rangeOf({ start: 0, end: 200, size: 205 }, longest)).toEqual({ from: 0, to: 205 });
  });
});
