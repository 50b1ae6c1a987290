import { knownPaths } from './fields.ts';
import { otherNames } from './other-names.ts';

/**
 * The known path that an unknown one was probably meant to be: a sibling with a few letters changed, the same name in
 * another group, or a name that begins alike. Undefined where nothing is near.
 */
export function nearestPath(unknown: readonly string[]): string[] | undefined {
  const name = unknown.at(-1) ?? '';
  if (name.length > 60) return undefined;
  let nearest: { path: string[]; score: number } | undefined;
  for (const path of [...knownPaths(unknown), ...otherNames.map((other) => [other])]) {
    const score = distance(unknown, path);
    if (score !== undefined && (nearest === undefined || score < nearest.score)) nearest = { path, score };
  }
  return nearest?.path;
}

/** Smaller is nearer; undefined is too far to be worth a suggestion. */
function distance(unknown: readonly string[], known: readonly string[]): number | undefined {
  const [name, knownName] = [plain(unknown.at(-1)), plain(known.at(-1))];
  const elsewhere = samePlace(unknown, known) ? 0 : 1;
  if (name === knownName) return elsewhere;
  const few = Math.max(1, Math.floor(Math.max(name.length, knownName.length) / 3));
  // As many letters as one is longer than the other are inserted at least.
  const isPossible = Math.abs(name.length - knownName.length) <= few;
  const letters = isPossible ? edits(name, knownName) : Number.POSITIVE_INFINITY;
  if (letters <= few) return 1 + letters + elsewhere * 10;
  return name.length >= 4 && knownName.startsWith(name) ? 8 + elsewhere * 10 : undefined;
}

function samePlace(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.slice(0, -1).every((name, index) => name === other[index]);
}

/** `interval_ms`, `interval-ms` and `INTERVALMS` mean `intervalMs`. */
function plain(name = ''): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function edits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}
