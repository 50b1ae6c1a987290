import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnomalyMessage } from '../../anomaly/anomaly.ts';
import { breachChartOption } from './breach-chart-option.ts';
import { breachMessage } from './test-message.ts';

const label = z.object({ formatter: z.function({ input: [], output: z.string() }).optional() });
const mark = z.object({ xAxis: z.number().optional(), yAxis: z.number().optional(), label: label.loose().optional() });
const marks = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item) }).optional();

/** What the tests look at. */
const shown = z.object({
  title: z.array(z.object({ text: z.string(), textStyle: z.object({ fontSize: z.number() }) })),
  xAxis: z.object({ min: z.number(), max: z.number() }),
  visualMap: z.object({ pieces: z.array(z.object({ min: z.number(), max: z.number() })) }).optional(),
  series: z.array(
    z.object({
      data: z.array(z.tuple([z.number(), z.number().nullable()])),
      markLine: marks(mark),
      markArea: marks(z.tuple([mark, mark])),
      markPoint: z.object({ label }).optional(),
    }),
  ),
});

function drawn(fields: Partial<AnomalyMessage>) {
  const { title, xAxis, visualMap, series } = shown.parse(breachChartOption(breachMessage(fields)));
  const [readings, bounds] = series;
  const lines = [...(readings?.markLine?.data ?? []), ...(bounds?.markLine?.data ?? [])];
  return {
    titles: title.map(({ text }) => text),
    fontSizes: title.map(({ textStyle }) => textStyle.fontSize),
    range: xAxis,
    red: visualMap?.pieces[0],
    readings: readings?.data,
    span: readings?.markArea?.data[0]?.map(({ xAxis: atMs }) => atMs),
    furthest: readings?.markPoint?.label.formatter?.(),
    boundValues: bounds?.data.map(([, value]) => value),
    band: bounds?.markArea?.data[0]?.map(({ yAxis }) => yAxis),
    labels: lines.map((line) => line.label?.formatter?.()),
  };
}

const at = (time: string) => Date.parse(`2015-08-22T${time}Z`);

describe('what the chart of a breach shows', () => {
  it('colours readings beyond the limit, and names the furthest', () => {
    const chart = drawn({});
    expect(chart.red).toEqual({ min: 30, max: 32 });
    expect(chart.furthest).toBe('32 °C');
  });

  it('colours and names none where no reading is beyond the limit', () => {
    const chart = drawn({ limit: 32 });
    expect(chart.red).toBeUndefined();
    expect(chart.furthest).toBeUndefined();
  });

  it.each([
    ['upper', 29.5, '32 °C'],
    ['lower', 30.5, '29 °C'],
  ] as const)('draws the deadband of rule %s from the limit to %d, inside the axis', (rule, clears, furthest) => {
    const chart = drawn({ rule });
    expect(chart.band).toEqual([30, clears]);
    expect(chart.boundValues).toEqual([30, clears]);
    expect(chart.labels).toEqual(['start 10:11:50Z', 'limit 30 °C', `clears ${clears} °C`]);
    expect(chart.furthest).toBe(furthest);
  });

  it.each([0, null])('draws the limit alone where the deadband is %s', (deadband) => {
    const chart = drawn({ deadband });
    expect(chart.band).toBeUndefined();
    expect(chart.labels).toEqual(['start 10:11:50Z', 'limit 30 °C']);
  });

  it.each([
    ['whose limit is no value of the metric', { rule: 'rate-of-change', limit: 2 } as const],
    ['without a limit', { limit: null }],
  ])('draws no limit for a rule %s', (_which, fields) => {
    const chart = drawn(fields);
    expect([chart.band, chart.boundValues, chart.red, chart.furthest]).toEqual(Array(4).fill(undefined));
    expect(chart.readings).toHaveLength(49);
  });

  it('shades an ended breach from its start to its end, and marks both', () => {
    const chart = drawn({ startedAt: '2015-08-22T10:11:00Z', endedAt: '2015-08-22T10:12:00Z' });
    expect(chart.span).toEqual([at('10:11:00'), at('10:12:00')]);
    expect(chart.labels.slice(0, 2)).toEqual(['start 10:11:00Z', 'end 10:12:00Z']);
  });

  it('shades a lasting breach that began before the readings all the way, and marks no start', () => {
    const chart = drawn({ startedAt: '2015-08-21T03:00:00Z' });
    expect(chart.span).toEqual([chart.range.min, chart.range.max]);
    expect(chart.labels).toEqual(['limit 30 °C', 'clears 29.5 °C']);
    expect(chart.titles[0]).toContain('since 2015-08-21 03:00:00Z');
  });

  it('reaches from the first to the last reading, whatever their order, with little room', () => {
    const { range, readings } = drawn({
      window: [
        [at('10:12:00'), 31],
        [at('10:11:00'), 29],
      ],
    });
    expect(readings?.map(([atMs]) => atMs)).toEqual([at('10:11:00'), at('10:12:00')]);
    expect(at('10:11:00') - range.min).toBe(1_200);
    expect(range.max - at('10:12:00')).toBe(1_200);
  });

  it('breaks the line in a gap', () => {
    const window = [0, 5, 10, 600, 605].map((seconds): [number, number] => [at('10:00:00') + seconds * 1_000, 29]);
    expect(drawn({ window }).readings?.map(([, value]) => value)).toEqual([29, 29, 29, null, 29, 29]);
  });

  it('says so where there are no readings, and shows the time of the breach', () => {
    const chart = drawn({ window: [] });
    expect(chart.titles).toContain('no readings');
    expect(chart.range.min).toBeLessThan(at('10:11:50'));
    expect(chart.range.max).toBeGreaterThan(at('10:14:00'));
  });

  it('leaves room around a single reading', () => {
    const { range, titles } = drawn({ window: [[at('10:12:00'), 31]] });
    expect(range).toEqual({ min: at('10:11:30'), max: at('10:12:30') });
    expect(titles).toContainEqual(expect.stringMatching(/^1 reading, from 2015-08-22 10:12:00Z/));
  });

  it('leaves out readings at instants that no calendar has', () => {
    expect(
      drawn({
        window: [
          [1e300, 1],
          [at('10:12:00'), 31],
        ],
      }).readings,
    ).toEqual([[at('10:12:00'), 31]]);
  });

  it('says until when a lasting breach was seen, and how long an ended one took', () => {
    expect(drawn({}).titles[2]).toContain('still breaching at 2015-08-22 10:14:00Z');
    expect(drawn({ endedAt: '2015-08-22T10:13:55Z' }).titles[2]).toContain('10:13:55Z (2 min 5 s)');
  });

  it('warns of a clock that was not synchronised', () => {
    const warning = expect.stringContaining('times may be wrong');
    expect(drawn({ clockSynchronised: false }).titles).toContainEqual(warning);
    expect(drawn({}).titles).not.toContainEqual(warning);
  });

  it('sets a long heading smaller', () => {
    const [long = 0, short = 0] = ['a'.repeat(60), 'pi'].map((deviceId) => drawn({ deviceId }).fontSizes[0]);
    expect(long).toBeLessThan(short);
  });
});
