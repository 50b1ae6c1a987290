import type { TuningResult } from '../../cloud/cost-optimization/power-tuning.ts';
import type { EChartsOption } from '../../device/incident/chart/render-svg.ts';

const colors = { duration: '#0072b2', cost: '#d55e00', text: '#1d2530' };

/** Duration and price by memory, two lines with an axis each; the best memory stands in the title. */
export function tuningChartOption({ points, best }: TuningResult): EChartsOption {
  const axis = (name: string, color: string) => ({
    type: 'value' as const,
    name,
    nameTextStyle: { color },
    axisLabel: { color },
  });
  return {
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'DejaVu Sans' },
    title: {
      text: `Best: ${best.memoryMb} MB, ${best.durationMs.toFixed(1)} ms`,
      left: 24,
      top: 16,
      textStyle: { fontSize: 18, color: colors.text },
    },
    legend: { left: 24, top: 46, data: ['duration', 'cost'] },
    grid: { left: 72, right: 96, top: 110, bottom: 56 },
    xAxis: { type: 'category', name: 'MB', data: points.map(({ memoryMb }) => String(memoryMb)) },
    yAxis: [axis('ms', colors.duration), axis('$ a million invocations', colors.cost)],
    series: [
      { name: 'duration', type: 'line', data: points.map(({ durationMs }) => durationMs), color: colors.duration },
      { name: 'cost', type: 'line', yAxisIndex: 1, data: points.map(({ usd }) => usd * 1_000_000), color: colors.cost },
    ],
  };
}
