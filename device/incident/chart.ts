import { createRequire } from 'node:module';
import { AppError, messageOf } from '../platform/errors.ts';
import { breachChartOption } from './chart/breach-chart-option.ts';
import type { EChartsOption } from './chart/render-svg.ts';
import type { Occurrence } from './occurrence.ts';

/**
 * Draws the latest message of a breach as PNG. Once the signal is aborted no further step of it begins.
 * @throws AppError `chart-failed`, also for a drawing that was given up
 */
export type Chart = (occurrence: Occurrence, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Charts of breaches. echarts and the renderer (native, in its package: no compiler) with its fonts are loaded with the
 * first chart. Loading it and drawing the SVG each hold the event loop, for seconds on a busy machine, so a stop is looked
 * for before each; the renderer turns the SVG into PNG on a thread of its own. No font
 * of the system is used, so equal messages give equal bytes everywhere.
 */
export function createChart(): Chart {
  let renderer: Promise<Renderer> | undefined;

  return async ({ message }, signal) => {
    try {
      signal.throwIfAborted();
      renderer ??= loadRenderer();
      const render = await renderer;
      signal.throwIfAborted();
      return await render(breachChartOption(message));
    } catch (error) {
      throw new AppError(
        'chart-failed',
        `The chart of breach ${message.id} could not be drawn: ${messageOf(error)}. ` +
          'Incidents are told without it; run npm ci again, or set serviceNow.attachChart=false.',
        { cause: error },
      );
    }
  };
}

type Renderer = (option: EChartsOption) => Promise<Uint8Array>;

async function loadRenderer(): Promise<Renderer> {
  const [{ renderAsync }, { renderSvg }] = await Promise.all([
    import('@resvg/resvg-js'),
    import('./chart/render-svg.ts'),
  ]);
  const require = createRequire(import.meta.url);
  const font = {
    loadSystemFonts: false,
    fontFiles: [
      require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
      require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
    ],
    defaultFontFamily: 'DejaVu Sans',
  };
  return async (option) => (await renderAsync(renderSvg(option), { font })).asPng();
}
