import type { ReadResult, Sensor } from './sensor.ts';

/**
 * The first of several ways to the same sensor that answers, tried in their order. Until one has, every read tries
 * them all; one that later is not-found gives up its place.
 */
export function createAutoSensor(ways: readonly Sensor[]): Sensor {
  let chosen: { way: Sensor; why: string } | undefined;

  async function read(signal: AbortSignal): Promise<ReadResult> {
    if (chosen !== undefined) {
      const result = await chosen.way.read(signal);
      if (result.ok || result.reason !== 'not-found') return result;
      chosen = undefined;
    }
    const refusals: string[] = [];
    let telling: Extract<ReadResult, { ok: false }>['reason'] = 'not-found';
    for (const way of ways) {
      const result = await way.read(signal);
      if (result.ok) {
        const why = refusals.length === 0 ? 'it is preferred and answers' : `it answers; ${refusals.join('; ')}`;
        chosen = { way, why };
        return result;
      }
      refusals.push(result.message);
      if (telling === 'not-found') telling = result.reason;
    }
    return { ok: false, reason: telling, message: `auto: no sensor answers. ${refusals.join(' | ')}` };
  }

  return {
    kind: 'auto',
    describe() {
      const kinds = ways.map((way) => way.kind).join(', then ');
      return chosen === undefined ? `auto: ${kinds}` : `auto: ${chosen.way.describe()}, because ${chosen.why}`;
    },
    async start() {
      for (const way of ways) await way.start();
    },
    read,
    async stop() {
      for (const way of ways) await way.stop();
    },
  };
}
