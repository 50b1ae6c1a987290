import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';

/** The debug line of a consumer for each event that it took. */
const takenLine = z.object({
  message: z.literal('event taken'),
  service: z.string(),
  groupId: z.string(),
  id: z.string(),
});

/**
 * The device of events that do not count: the account holds the last line of a call back until the function is called
 * again, so one more event brings it out.
 */
export const flushDevice = 'bench-flush';

/** Ids in the order in which a consumer took them, by key. */
export type Sequences = ReadonlyMap<string, readonly string[]>;

/** Reads what functions log, from the account's own log, as it grows. */
export function followTaken(logFile: string, consumers: readonly string[]) {
  const file = openSync(logFile, 'r');
  const taken = new Map(consumers.map((name) => [name, { count: 0, byKey: new Map<string, string[]>() }]));
  const chunk = Buffer.alloc(1_048_576);
  let rest = '';
  return {
    /** Reads on; answers how many events the slowest consumer has taken. */
    read(): number {
      for (let size = readSync(file, chunk); size > 0; size = readSync(file, chunk)) {
        const lines = (rest + chunk.toString('utf8', 0, size)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) note(line);
      }
      return Math.min(...[...taken.values()].map(({ count }) => count));
    },
    sequences: (consumer: string): Sequences => taken.get(consumer)?.byKey ?? new Map(),
    close: () => closeSync(file),
  };

  function note(line: string): void {
    const start = line.indexOf('{"level":"DEBUG"');
    if (start < 0) return;
    const parsed = takenLine.safeParse(parse(line.slice(start)));
    const consumer = parsed.success ? taken.get(parsed.data.service) : undefined;
    if (!parsed.success || consumer === undefined) return;
    const { groupId, id } = parsed.data;
    if (groupId.includes(flushDevice)) return;
    consumer.count += 1;
    consumer.byKey.set(groupId, [...(consumer.byKey.get(groupId) ?? []), id]);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
