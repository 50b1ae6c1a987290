import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';

/** Debian's. */
const chromiumPath = '/usr/bin/chromium';

/** Whether browser tests can run here; where they cannot, they are to be skipped and `whyNoBrowser` said once. */
export const hasBrowser = existsSync(chromiumPath);

export const whyNoBrowser = `There is no ${chromiumPath}, so the browser tests are skipped: apt-get install chromium.`;

/** A browser that talks to nobody but the pages that it is sent to. */
export async function launchBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
