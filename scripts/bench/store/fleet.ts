import type { Round } from './store-world.ts';

export interface Fleet {
  /** The next minute, in which so many devices begin to breach; those whose breach is over say so. */
  next(beginning: number): Round;
  /** Devices that breach. */
  breaching(): number;
}

/** A breach lasts 1 to 9 minutes. */
const longestMinutes = 9;

/** Devices, of which any that is calm may be the next to breach. */
export function createFleet(devices: number, random: () => number): Fleet {
  const calm = Array.from({ length: devices }, (_, index) => `device-${index}`);
  /** By minute from the next one on. */
  const ending: string[][] = Array.from({ length: longestMinutes }, () => []);

  function begin(): string | undefined {
    const index = Math.floor(random() * calm.length);
    const deviceId = calm[index];
    const last = calm.pop();
    if (deviceId === undefined || last === undefined) return undefined;
    if (last !== deviceId) calm[index] = last;
    ending[Math.floor(random() * longestMinutes)]?.push(deviceId);
    return deviceId;
  }

  return {
    next(beginning) {
      ending.push([]);
      const over = ending.shift() ?? [];
      const begun = Array.from({ length: beginning }, begin).filter((deviceId) => deviceId !== undefined);
      calm.push(...over);
      return [
        ...over.map((deviceId) => ({ deviceId, metrics: { temperature: 21 + random() } })),
        ...begun.map((deviceId) => ({ deviceId, metrics: { temperature: 31 + random() } })),
      ];
    },
    breaching: () => ending.reduce((sum, { length }) => sum + length, 0),
  };
}
