import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { silentLogger } from '../../../device/platform/logger.ts';
import { startServiceNow } from '../../../device/simulation/servicenow/start-servicenow.ts';
import { fillInstance } from '../servicenow/fill-instance.ts';
import type { Figure } from './figure.ts';
import { figuresOf, medianLooks } from './page-visit.ts';

const incidents = 100_000;
const logInShown = "document.querySelector('input[type=password]')";
const listShown = "document.querySelectorAll('tbody tr a').length > 10";

/** The incident review page of an instance with 100,000 incidents: from the log-in, and once logged in. */
export async function reviewPage(browser: Browser, onProgress: (line: string) => void): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-review-'));
  try {
    onProgress(`review list: writing ${incidents.toLocaleString('en')} incidents`);
    fillInstance(dataDir, incidents);
    const serviceNow = await startServiceNow({ port: 0, dataDir, logger: silentLogger });
    try {
      onProgress(`review list with ${incidents.toLocaleString('en')} incidents`);
      const { username, password } = serviceNow.credentials;
      const looks = await medianLooks(browser, async ({ page, goTo, click }) => {
        const logIn = await goTo(serviceNow.url, logInShown);
        await page.getByLabel('User name').fill(username);
        await page.getByLabel('Password').fill(password);
        const list = await click('Log in', listShown);
        return { logIn, list, again: await goTo(serviceNow.url, listShown) };
      });
      const name = `review page, ${incidents.toLocaleString('en')} incidents`;
      return Object.entries({ logIn: 'log-in', list: 'list after the log-in', again: 'list, from then on' }).flatMap(
        ([look, part]) => figuresOf(`${name}, ${part}`, looks[look] ?? { ms: Number.NaN, bytes: Number.NaN }),
      );
    } finally {
      await serviceNow.stop();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
