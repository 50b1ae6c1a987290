import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { breachChartOption } from './breach-chart-option.ts';
import { renderSvg } from './render-svg.ts';
import { breachMessage } from './test-message.ts';

const svgOf = (fields: Partial<AnomalyMessage>) => renderSvg(breachChartOption(breachMessage(fields)));
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
const start = Date.parse('2015-08-22T10:12:00Z');

describe('drawing the chart of a breach', () => {
  it('names limit, deadband, start, end and the furthest reading', () => {
    const svg = svgOf({ startedAt: '2015-08-22T10:11:00Z', endedAt: '2015-08-22T10:12:00Z' });
    const names = ['limit 30 °C', 'clears 29.5 °C', 'start 10:11:00Z', 'end 10:12:00Z', '32 °C', 'high'];
    expect(texts(svg)).toEqual(expect.arrayContaining(names));
  });

  it('labels the time in UTC, wherever the process is', () => {
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Kolkata';
    try {
      expect(new Date(start).getHours()).toBe(15);
      expect(texts(svgOf({}))).toEqual(expect.arrayContaining(['10:10', '10:11', '10:12', '10:13', '10:14']));
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('draws the limit inside the picture where all readings are far from it', () => {
    const [, limitY] = /M80 ([\d.]+)L740 \1" [^>]*stroke="#c62828"/.exec(svgOf({ limit: -500, deadband: 0 })) ?? [];
    expect(Number(limitY)).toBeGreaterThan(124);
    expect(Number(limitY)).toBeLessThan(368);
  });

  it('makes text of others harmless', () => {
    const svg = svgOf({ deviceId: '<script>&"\'', metric: '</text><image/>', site: ']]>{b}', unit: '<b>{c}' });
    expect(svg).not.toMatch(/<(script|image|b)\b/);
    expect(svg).toContain('&lt;script&gt;&amp;&quot;&#39;');
    expect(texts(svg)).toContain('limit 30 &lt;b&gt;{c}');
  });

  it.each(Object.getOwnPropertyNames(Object.prototype))(
    'does nothing to all objects where a text is called %s',
    (name) => {
      const before = Reflect.ownKeys(Object.prototype);
      const svg = svgOf({ deviceId: name, metric: name, site: name, unit: name, text: name });
      expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
      expect(Reflect.ownKeys(Object)).not.toContain('prev');
      expect(svg).not.toMatch(/ (prev|next)[ >=]/);
      expect(texts(svg).map((text) => text?.trim())).toContain(name);
    },
  );

  it('leaves out what XML does not allow: lone surrogates and non-characters', () => {
    expect(svgOf({ deviceId: 'a\ud800b\uffffc' })).toContain('>a b c temperature');
  });

  it('shows values as far apart as numbers go', () => {
    const svg = svgOf({
      limit: 0,
      deadband: null,
      window: [
        [start, -Number.MAX_VALUE],
        [start + 5_000, Number.MAX_VALUE],
      ],
    });
    const [, lowY, highY] = /M[\d.]+ ([\d.]+)L[\d.]+ ([\d.]+)" [^>]*stroke="url/.exec(svg) ?? [];
    expect(Number(lowY) - Number(highY)).toBeGreaterThan(100);
  });

  it('shows a limit and a deadband as near as numbers come', () => {
    expect(svgOf({ limit: 0, deadband: 3 * Number.MIN_VALUE, window: [] })).not.toContain('NaN');
    expect(svgOf({ limit: 1, deadband: Number.EPSILON, window: [[start, 1 - Number.EPSILON]] })).not.toContain('NaN');
  });

  it('gives only finite coordinates, whatever the message holds', { timeout: 60_000 }, () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    const sameDay = fc.integer({ min: 1_440_237_600_000, max: 1_440_324_000_000 });
    const fields = fc.record({
      rule: fc.constantFrom('upper', 'lower', 'ewma', 'stuck', 'no-data' as const),
      limit: fc.option(fc.oneof(double, fc.double({ min: -1e6, max: 1e6, noNaN: true }))),
      deadband: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 })),
      window: fc.oneof(
        fc.array(fc.tuple(double, double), { maxLength: 20 }),
        fc.array(fc.tuple(sameDay, fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 20 }),
      ),
    });
    fc.assert(
      fc.property(fields, (given) => {
        const svg = svgOf(given).replace(/<text[^>]*>[^<]*<\/text>/g, (text) => text.replace(/>[^<]*</, '><'));
        expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      }),
    );
  });
});
