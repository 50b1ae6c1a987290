import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../device/platform/errors.ts';
import { hasBrowser, launchBrowser } from '../../../device/simulation/browser.ts';
import { buildPrograms } from '../edge/programs.ts';
import { consolePage } from './console-page.ts';
import type { Figure } from './figure.ts';
import { packageSizes } from './package-size.ts';
import { reviewPage } from './review-page.ts';
import { startTimes } from './start-time.ts';
import { writtenADay } from './written-a-day.ts';

/**
 * Figures without a bar, one after the other: pages, what a quiet day writes, packages, start times.
 * @throws AppError where one cannot be measured
 */
export async function runFigures(root: string, onProgress: (line: string) => void): Promise<Figure[]> {
  const cache = join(root, '.cache', 'bench');
  mkdirSync(cache, { recursive: true });
  const pages = await pageFigures(onProgress);
  const day = await writtenADay(cache, onProgress);
  const packages = await packageSizes(root, cache, onProgress);
  const programs = await buildPrograms(root);
  try {
    return [...pages, ...day, ...packages, ...(await startTimes(programs, cache, onProgress))];
  } finally {
    await programs.remove();
  }
}

async function pageFigures(onProgress: (line: string) => void): Promise<Figure[]> {
  if (!hasBrowser) {
    throw new AppError('failed', 'Pages are measured with /usr/bin/chromium: apt-get install chromium, and try again.');
  }
  const browser = await launchBrowser();
  try {
    return [...(await consolePage(browser, onProgress)), ...(await reviewPage(browser, onProgress))];
  } finally {
    await browser.close();
  }
}
