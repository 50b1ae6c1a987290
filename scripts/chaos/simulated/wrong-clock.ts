import { isoUtc } from '../../../device/platform/time.ts';

const line = /^breach ([0-9a-f]{32}) start=(\S+) end=(\S+)/gm;

/**
 * Texts in which breaches that were over before the clock was right are told at their right times: nobody could correct
 * what was told already. What lasted longer is left as it is, for that must have been corrected.
 */
export function atRightTimes(
  texts: readonly string[],
  { errorMs, rightAtMs }: { errorMs: number; rightAtMs: number },
): string[] {
  const isWrong = (iso: string) => Math.abs(Date.parse(iso) - errorMs - rightAtMs) < Math.abs(errorMs) / 2;
  const right = (iso: string) => (iso !== '-' && isWrong(iso) ? isoUtc(Date.parse(iso) - errorMs) : iso);
  const over = new Set<string>();
  for (const text of texts) {
    for (const [, id = '', , end = '-'] of text.matchAll(line)) {
      if (end !== '-' && isWrong(end) && Date.parse(end) - errorMs <= rightAtMs) over.add(id);
    }
  }
  return texts.map((text) =>
    text.replace(line, (whole: string, id: string, start: string, end: string) =>
      over.has(id) ? `breach ${id} start=${right(start)} end=${right(end)}` : whole,
    ),
  );
}
