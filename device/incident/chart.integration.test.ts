import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnomalyMessage } from '../anomaly/anomaly.ts';
import { correlationId } from '../anomaly/identity.ts';
import { breachMessage } from './chart/test-message.ts';
import { createChart } from './chart.ts';
import type { Occurrence } from './occurrence.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function occurrence(fields: Partial<AnomalyMessage>): Occurrence {
  const message = breachMessage(fields);
  return {
    id: message.id,
    correlationId: correlationId(message),
    phase: 'firing',
    place: 'attached',
    incident: { sysId: 'a', number: 'INC0010001' },
    message,
    toldSeverity: null,
    notedAtMs: 0,
    updatesSinceNote: 0,
    heldBy: null,
    silence: 'none',
  };
}

const going = new AbortController().signal;

describe('chart of a breach as PNG', () => {
  const chart = createChart();

  it('is a PNG of the size of the drawing, under 60 KB for the most readings that a message holds', async () => {
    const from = Date.parse('2015-08-22T10:10:00Z');
    const window = Array.from({ length: 240 }, (_, index): [number, number] => [
      from + index * 5_000,
      30 + 2 * Math.sin(index / 30) + Math.sin(index * 1.7) / 4,
    ]);
    const png = Buffer.from(await chart(occurrence({ window }), going));
    expect(png.subarray(0, 8)).toEqual(signature);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([880, 430]);
    expect(png.length).toBeLessThan(60_000);
  });

  it('has the same bytes for the same breach, from another renderer too', async () => {
    const [one, other] = await Promise.all([chart(occurrence({}), going), createChart()(occurrence({}), going)]);
    expect(Buffer.from(one).equals(Buffer.from(other))).toBe(true);
  });

  it('shows its texts: another site makes another picture', async () => {
    const [one, other] = await Promise.all([
      chart(occurrence({ site: 'home' }), going),
      chart(occurrence({ site: 'hall' }), going),
    ]);
    expect(Buffer.from(one).equals(Buffer.from(other))).toBe(false);
  });

  it('is given up at the next step once it is to stop', async () => {
    const stopping = new AbortController();
    const drawing = createChart()(occurrence({}), stopping.signal);
    stopping.abort();
    await expect(drawing).rejects.toThrow('could not be drawn');
  });

  it('draws any text and any readings', { timeout: 60_000 }, async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    const window = fc.array(fc.tuple(value, value), { maxLength: 10 });
    const fields = fc.record({ deviceId: text, site: text, metric: text, unit: text, limit: fc.option(value), window });
    await fc.assert(
      fc.asyncProperty(fields, async (given) => {
        const png = Buffer.from(await chart(occurrence(given), going));
        expect(png.subarray(0, 8)).toEqual(signature);
      }),
      { numRuns: 25 },
    );
  });
});
