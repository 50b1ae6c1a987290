import { isoUtc } from '../../../device/platform/time.ts';

const line = /^breach ([0-9a-f]{32}) start=(\S+) end=(\S+)/gm;

export interface WrongClock {
  errorMs: number;
  rightAtMs: number;
  /** Whether a handler that was told of the end of the breach that truly began then lost it with its store. */
  isForgottenStart: (startedAtMs: number) => boolean;
}

/**
 * Texts in which breaches that were over before the clock was right are told at their right times: nobody could correct
 * what was told already, nor what the handler forgot once its monitor had told all of it. What lasted longer is left as it
 * is, for that must have been corrected.
 */
export function atRightTimes(texts: readonly string[], { errorMs, rightAtMs, isForgottenStart }: WrongClock): string[] {
  const isWrong = (iso: string) => Math.abs(Date.parse(iso) - errorMs - rightAtMs) < Math.abs(errorMs) / 2;
  const right = (iso: string) => (iso !== '-' && isWrong(iso) ? isoUtc(Date.parse(iso) - errorMs) : iso);
  const over = new Set<string>();
  for (const text of texts) {
    for (const [, id = '', start = '', end = '-'] of text.matchAll(line)) {
      if (end === '-' && isWrong(start) && isForgottenStart(Date.parse(start) - errorMs)) over.add(id);
      if (end !== '-' && isWrong(end) && Date.parse(end) - errorMs <= rightAtMs) over.add(id);
    }
  }
  return texts.map((text) =>
    text.replace(line, (whole: string, id: string, start: string, end: string) =>
      over.has(id) ? `breach ${id} start=${right(start)} end=${right(end)}` : whole,
    ),
  );
}
