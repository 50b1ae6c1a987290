import { InvalidArgumentError } from 'commander';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1_000 } as const;

/**
 * Milliseconds of a time on a command line: `90s`, `5m`, `2h`, `1d`; a bare number is seconds.
 * @throws InvalidArgumentError
 */
export function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = Object.entries(unitMs).find(([name]) => name === unit)?.[1];
  if (digits === undefined || factor === undefined || Number(digits) === 0) {
    throw new InvalidArgumentError('Give a time such as 90s, 5m or 2h.');
  }
  return Number(digits) * factor;
}
