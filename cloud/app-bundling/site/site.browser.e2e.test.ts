import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seriousAccessibilityProblems } from '../../../device/simulation/accessibility.ts';
import { hasBrowser, launchBrowser, whyNoBrowser } from '../../../device/simulation/browser.ts';
import { renderSite } from './render-site.ts';
import { existsBelow, readSources } from './site-folder.ts';
import { type SiteServer, serveSite } from './test-site-server.ts';

const root = resolve(import.meta.dirname, '../../..');
if (!hasBrowser) console.warn(whyNoBrowser);

describe.skipIf(!hasBrowser)('the site of this checkout', () => {
  const style = readFileSync(new URL('./style.css', import.meta.url), 'utf8');
  const site = renderSite({ sources: readSources(root), style, exists: existsBelow(root) });
  let server: SiteServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await serveSite(async (path) => {
      const content = site.get(path);
      return content === undefined ? undefined : Buffer.from(content);
    });
    browser = await launchBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test.each(['light', 'dark'] as const)(
    'is read from page to page, has what it shows, and asks no other host for anything (%s)',
    async (colorScheme) => {
      const context = await browser.newContext({ colorScheme, viewport: { width: 1100, height: 900 } });
      const page = await context.newPage();
      const wrong: string[] = [];
      page.on('pageerror', ({ message }) => wrong.push(message));
      page.on('console', (message) => void (message.type() === 'error' && wrong.push(message.text())));
      page.on('request', (request) => void (request.url().startsWith(server.url) || wrong.push(request.url())));
      await page.goto(server.url);
      expect(await seriousAccessibilityProblems(page)).toEqual([]);
      const pictures = page.locator('main img');
      expect(await pictures.count()).toBeGreaterThan(0);
      await pictures.first().scrollIntoViewIfNeeded();
      await page.waitForFunction('[...document.images].some((image) => image.complete && image.naturalWidth > 0)');
      await page.locator('main').getByRole('link', { name: 'cloud/README.md' }).first().click();
      await page.getByRole('heading', { level: 1, name: 'Cloud' }).waitFor();
      await page.locator('main').getByRole('link', { name: 'stream-ingestion' }).first().click();
      await page.getByRole('heading', { name: 'Runbook' }).waitFor();
      expect(await seriousAccessibilityProblems(page)).toEqual([]);
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(21, 24, 28)');
      expect(wrong).toEqual([]);
      await context.close();
    },
    60_000,
  );

  test('fits a phone, and says of a page that is not there where the others are', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } });
    await page.goto(`${server.url}/cloud/index.html`);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
    const answer = await page.goto(`${server.url}/cloud/none/none.html`);
    expect(answer?.status()).toBe(404);
    await page.getByRole('link', { name: 'Cloud', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Cloud' }).waitFor();
    await page.close();
  }, 60_000);
});
