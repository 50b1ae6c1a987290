/** A line without its end; `undefined` where it is longer than is read. */
export interface Line {
  /** Of its first byte in the object. */
  offset: number;
  bytes: Buffer | undefined;
}

export interface SliceLines {
  /** The bytes that follow. @returns the lines that end in them */
  push(chunk: Uint8Array): Line[];
  /** At the end of the bytes. @returns the last line, if nothing ends it */
  finish(): Line[];
  /** Whether all lines of the slice have been returned, so that nothing more is to be read. */
  isDone(): boolean;
}

/** The bytes that a slice is read from: one before it, which tells whether a line begins with it, to the end of its last line. */
export function rangeOf(
  { start, end, size }: { start: number; end: number; size: number },
  longest: number,
): { from: number; to: number } {
  return { from: Math.max(0, start - 1), to: Math.min(size, end + longest + 1) };
}

/**
 * The lines of a slice: those that **begin** in [start, end). Where slices lie side by side each line is of exactly one,
 * wherever the cuts are.
 *
 * | state    | byte                        | becomes                                                   |
 * |----------|-----------------------------|-----------------------------------------------------------|
 * | skipping | other than a line feed      | skipping: the line began in the slice before              |
 * | skipping | line feed                   | reading, or done where the next line begins at `end`      |
 * | reading  | other than a line feed      | reading; what is longer than `longest` is counted only    |
 * | reading  | line feed                   | the line is returned; reading, or done as above           |
 * | done     | any                         | done                                                      |
 */
export function sliceLines({ start, end }: { start: number; end: number }, longest: number): SliceLines {
  let state: 'skipping' | 'reading' | 'done' = start > 0 ? 'skipping' : 'reading';
  let position = Math.max(0, start - 1);
  let lineStart = position;
  let held: Uint8Array[] = [];
  let heldBytes = 0;

  function take(part: Uint8Array): void {
    heldBytes += part.length;
    if (heldBytes <= longest) held.push(part);
    else held = [];
  }

  function line(): Line {
    const bytes =
      heldBytes > longest
        ? undefined
        : held.length === 1 && held[0]
          ? Buffer.from(held[0].buffer, held[0].byteOffset, held[0].length)
          : Buffer.concat(held);
    const ended = { offset: lineStart, bytes };
    held = [];
    heldBytes = 0;
    return ended;
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let at = 0;
      while (state !== 'done' && at < chunk.length) {
        const feed = chunk.indexOf(10, at);
        if (state === 'reading') take(chunk.subarray(at, feed === -1 ? chunk.length : feed));
        if (feed === -1) break;
        if (state === 'reading') lines.push(line());
        at = feed + 1;
        lineStart = position + at;
        state = lineStart >= end ? 'done' : 'reading';
      }
      position += chunk.length;
      return lines;
    },
    finish() {
      const lines = state === 'reading' && heldBytes > 0 ? [line()] : [];
      state = 'done';
      return lines;
    },
    isDone: () => state === 'done',
  };
}
