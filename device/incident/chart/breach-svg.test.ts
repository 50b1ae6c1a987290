import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { breachSvg } from './breach-svg.ts';
import { breachMessage } from './test-message.ts';

/** Attributes of the first element of a class. */
function element(svg: string, className: string): Record<string, string> | undefined {
  const tag = new RegExp(`<[a-z]+ class="${className}"[^>]*>`, 'i').exec(svg)?.[0];
  if (tag === undefined) return undefined;
  return Object.fromEntries([...tag.matchAll(/([a-z0-9-]+)="([^"]*)"/gi)].map(([, name, value]) => [name, value]));
}

/** Vertical place of the line at its first reading. */
function firstY(svg: string): number {
  return Number(element(svg, 'readings')?.['points']?.split(/[ ,]/)[1]);
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe('chart of a breach', () => {
  it('draws the limit between a reading below it and the furthest one above it', () => {
    const svg = breachSvg(
      breachMessage({
        window: [
          [Date.parse('2015-08-22T10:11:00Z'), 29],
          [Date.parse('2015-08-22T10:12:00Z'), 32],
        ],
      }),
    );
    const limitY = Number(element(svg, 'limit')?.['y1']);
    expect(limitY).toBeLessThan(firstY(svg));
    expect(limitY).toBeGreaterThan(Number(element(svg, 'peak')?.['cy']));
    expect(texts(svg)).toContain('limit 30 °C');
    expect(texts(svg)).toContain('32 °C');
  });

  it.each([
    ['upper', 'from the limit down', 29.5],
    ['lower', 'from the limit up', 30.5],
  ] as const)('draws the deadband of rule %s %s', (rule, _where, clears) => {
    const svg = breachSvg(breachMessage({ rule }));
    const band = element(svg, 'deadband');
    const limitY = Number(element(svg, 'limit')?.['y1']);
    const top = Number(band?.['y']);
    const bottom = top + Number(band?.['height']);
    expect(rule === 'upper' ? top : bottom).toBeCloseTo(limitY, 0);
    expect(bottom - top).toBeGreaterThan(5);
    expect(texts(svg)).toContain(`clears ${clears} °C`);
  });

  it('draws no band where there is no deadband', () => {
    const svg = breachSvg(breachMessage({ deadband: 0 }));
    expect(element(svg, 'deadband')).toBeUndefined();
    expect(element(svg, 'limit')).toBeDefined();
  });

  it('draws no limit for a rule whose limit is no value of the metric', () => {
    const svg = breachSvg(breachMessage({ rule: 'rate-of-change', limit: 2 }));
    expect(element(svg, 'limit')).toBeUndefined();
    expect(element(svg, 'peak')).toBeUndefined();
    expect(element(svg, 'readings')).toBeDefined();
  });

  it('shades an ended breach from its start to its end, and names both', () => {
    const svg = breachSvg(
      breachMessage({ startedAt: '2015-08-22T10:11:00Z', endedAt: '2015-08-22T10:12:00Z', at: '2015-08-22T10:12:00Z' }),
    );
    // Readings from 10:10:00 to 10:14:00: the breach is the second quarter.
    const { x, width } = element(svg, 'breach') ?? {};
    const line =
      element(svg, 'readings')
        ?.['points']?.split(' ')
        .map((pair) => Number(pair.split(',')[0])) ?? [];
    const [left = 0, right = 0] = [line[0], line.at(-1)];
    expect(Number(x)).toBeCloseTo(left + (right - left) / 4, 0);
    expect(Number(width)).toBeCloseTo((right - left) / 4, 0);
    expect(texts(svg)).toEqual(expect.arrayContaining(['start 10:11:00Z', 'end 10:12:00Z']));
  });

  it('shades a lasting breach up to the right edge, from the left edge where it began before the readings', () => {
    const svg = breachSvg(breachMessage({ startedAt: '2015-08-21T03:00:00Z' }));
    const limit = element(svg, 'limit');
    const breach = element(svg, 'breach');
    expect(Number(breach?.['x'])).toBe(Number(limit?.['x1']));
    expect(Number(breach?.['width'])).toBe(Number(limit?.['x2']) - Number(limit?.['x1']));
    expect(texts(svg)).toContain('◂ since 2015-08-21 03:00:00Z');
  });

  it('names start and end together where a short breach at the left leaves no room for two labels', () => {
    const svg = breachSvg(breachMessage({ startedAt: '2015-08-22T10:10:02Z', endedAt: '2015-08-22T10:10:10Z' }));
    expect(texts(svg)).toContain('10:10:02Z – 10:10:10Z');
    expect(svg.match(/class="edge"/g)).toHaveLength(2);
  });

  it('does not join readings across a gap', () => {
    const start = Date.parse('2015-08-22T10:00:00Z');
    const gap = [0, 5, 10, 600, 605].map((seconds): [number, number] => [start + seconds * 1_000, 29]);
    expect(breachSvg(breachMessage({ window: gap, rule: 'ewma' })).match(/class="readings"/g)).toHaveLength(2);
  });

  it('says so where there are no readings', () => {
    expect(texts(breachSvg(breachMessage({ window: [] })))).toContain('no readings');
  });

  it('shows one reading as a dot', () => {
    const svg = breachSvg(breachMessage({ window: [[Date.parse('2015-08-22T10:12:00Z'), 31]] }));
    expect(element(svg, 'readings')?.['stroke-linecap']).toBe('round');
    expect(texts(svg).at(-1)).toContain('1 reading,');
  });

  it('warns of a clock that was not synchronised', () => {
    expect(texts(breachSvg(breachMessage({ clockSynchronised: false }))).at(-1)).toContain('times may be wrong');
  });

  it('makes text of others harmless', () => {
    const svg = breachSvg(
      breachMessage({ deviceId: '<script>&"\'', metric: '</text><image/>', site: ']]>', unit: '<b>' }),
    );
    expect(svg).not.toMatch(/<(script|image|b)\b/);
    expect(svg).toContain('&lt;script&gt;&amp;&quot;&#39;');
  });

  it('leaves out what XML does not allow: lone surrogates and non-characters', () => {
    expect(breachSvg(breachMessage({ deviceId: 'a\ud800b\uffffc' }))).toContain('>a b c temperature');
  });

  it('shows values as far apart as numbers go', () => {
    const start = Date.parse('2015-08-22T10:12:00Z');
    const svg = breachSvg(
      breachMessage({
        limit: 0,
        deadband: null,
        window: [
          [start, -1.7e308],
          [start + 5_000, 1.7e308],
        ],
      }),
    );
    const [low, high] =
      element(svg, 'readings')
        ?.['points']?.split(' ')
        .map((pair) => Number(pair.split(',')[1])) ?? [];
    const limitY = Number(element(svg, 'limit')?.['y1']);
    expect(low).toBeGreaterThan(limitY + 100);
    expect(high).toBeLessThan(limitY - 100);
  });

  it('gives only finite coordinates inside the picture, whatever the message holds', () => {
    const anyMessage = fc.record({
      rule: fc.constantFrom('upper', 'lower', 'ewma', 'stuck', 'no-data' as const),
      limit: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
      deadband: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 })),
      window: fc.array(
        fc.tuple(
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
        ),
        { maxLength: 20 },
      ),
    });
    const sameDay = fc.array(
      fc.tuple(
        fc.integer({ min: 1_440_237_600_000, max: 1_440_324_000_000 }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      ),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(anyMessage, fc.option(sameDay), (fields, window) => {
        const svg = breachSvg(breachMessage(window === null ? fields : { ...fields, window }));
        expect(svg).not.toMatch(/NaN|undefined|="-?Infinity/);
        const numbers = [...svg.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy|width|height)="([^"]*)"/g)].map(([, value]) =>
          Number(value),
        );
        for (const number of numbers) expect(number).toBeGreaterThanOrEqual(0);
        for (const number of numbers) expect(number).toBeLessThanOrEqual(880);
      }),
    );
  });

  it('is the same for the same message, and not for another', () => {
    const message: AnomalyMessage = breachMessage({});
    expect(breachSvg(message)).toBe(breachSvg(structuredClone(message)));
    expect(breachSvg(message)).not.toBe(breachSvg({ ...message, limit: 29 }));
  });
});
