import { AppError } from '../../../device/platform/errors.ts';
import { installNode } from '../../ci/other-node.ts';
import { killChild } from '../edge/child.ts';
import { started } from '../edge/life.ts';
import type { Programs } from '../edge/programs.ts';
import { greengrassItsm } from '../edge/systems.ts';
import { startWorld } from '../edge/world.ts';
import { median } from '../median.ts';
import type { Figure } from './figure.ts';

const releases = [20, 22, 24];
const rounds = 5;

/**
 * From the start of the process, both components of the bundle in it, to its first incident: of each release of Node,
 * which npm has as a package.
 * @throws AppError `failed` where a release cannot be installed
 */
export async function startTimes(
  programs: Programs,
  cache: string,
  onProgress: (line: string) => void,
): Promise<Figure[]> {
  const nodes = new Map<number, string>();
  for (const major of releases) {
    onProgress(`Node ${major}`);
    nodes.set(major, await nodeOf(major));
  }
  const times = new Map<number, number[]>(releases.map((major) => [major, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [major, node] of nodes) {
      onProgress(`start time on Node ${major}, round ${round} of ${rounds}`);
      const world = await startWorld(cache, programs);
      try {
        const system = greengrassItsm(programs, { node });
        // The first start makes what is there at every later one.
        await killChild((await started(system, world)).child);
        const { child, coldStartMs } = await started(system, world);
        await killChild(child);
        times.get(major)?.push(coldStartMs);
      } finally {
        await world.stop();
      }
    }
  }
  return releases.map((major) => ({
    ...{ measure: `start to the first incident, Node ${major}`, value: median(times.get(major) ?? []), unit: 'ms' },
    how: `both components of the bundle in one process, on data that is there; median of ${rounds}`,
  }));
}

async function nodeOf(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const installed = await installNode(major);
  if (installed !== undefined) return `${installed.bin}/node`;
  throw new AppError('failed', `Node ${major} could not be installed from npm into .cache. Is there a network?`);
}
