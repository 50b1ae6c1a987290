import { styleText } from 'node:util';
import { ascii, cellsOf, clip, printable } from './cells.ts';

/**
 * What a part of a line means; colours are of the sixteen that a terminal's own theme defines, so that they can be read
 * on dark and on light, and never carry a meaning that the words do not.
 */
export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'bad' | 'waiting' | 'link';

const formats = {
  plain: [],
  strong: ['bold'],
  quiet: ['dim'],
  good: ['green'],
  bad: ['bold', 'red'],
  waiting: ['magenta'],
  link: ['cyan'],
} as const satisfies Record<Tone, readonly Parameters<typeof styleText>[0][]>;

export interface Part {
  text: string;
  tone: Tone;
}

export type Line = readonly Part[];

export interface Look {
  columns: number;
  color: boolean;
  unicode: boolean;
}

export const part = (text: string, tone: Tone = 'plain'): Part => ({ text, tone });

/** A text of others or of ours, as it may stand in a line. */
export function safe(text: string, { unicode }: Pick<Look, 'unicode'>): string {
  const shown = printable(text);
  return unicode ? shown : ascii(shown);
}

/** Where a text was cut. */
export function mark({ unicode }: Pick<Look, 'unicode'>): string {
  return unicode ? '…' : '~';
}

export function widthOf(line: Line): number {
  return line.reduce((cells, { text }) => cells + cellsOf(text), 0);
}

/** The line as it is written: made safe, never wider than the terminal. */
export function written(line: Line, look: Look): string {
  let room = look.columns;
  let result = '';
  for (const { text, tone } of line) {
    const shown = clip(safe(text, look), room, mark(look));
    room -= cellsOf(shown);
    if (shown !== '') result += look.color && tone !== 'plain' ? styled(shown, tone) : shown;
    if (room <= 0) break;
  }
  return look.color ? result : result.trimEnd();
}

function styled(text: string, tone: Tone): string {
  return styleText([...formats[tone]], text, { validateStream: false });
}
