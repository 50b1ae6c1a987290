import { createRequire } from 'node:module';
import { AppError, messageOf } from '../platform/errors.ts';
import { breachSvg } from './chart/breach-svg.ts';
import type { Occurrence } from './occurrence.ts';

/** Draws the latest message of a breach as PNG. @throws AppError `chart-failed` */
export type Chart = (occurrence: Occurrence) => Promise<Uint8Array>;

/**
 * Charts of breaches. The renderer (native, in its package: no compiler) and its fonts are loaded with the first chart
 * and draw on a thread of their own. No font of the system is used, so equal messages give equal bytes everywhere.
 */
export function createChart(): Chart {
  let renderer: Promise<(svg: string) => Promise<Uint8Array>> | undefined;

  return async ({ message }) => {
    try {
      renderer ??= loadRenderer();
      const render = await renderer;
      return await render(breachSvg(message));
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

async function loadRenderer(): Promise<(svg: string) => Promise<Uint8Array>> {
  const { renderAsync } = await import('@resvg/resvg-js');
  const require = createRequire(import.meta.url);
  const font = {
    loadSystemFonts: false,
    fontFiles: [
      require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'),
      require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf'),
    ],
    defaultFontFamily: 'DejaVu Sans',
  };
  return async (svg) => (await renderAsync(svg, { font })).asPng();
}
