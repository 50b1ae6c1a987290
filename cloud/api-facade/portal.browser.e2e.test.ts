import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seriousAccessibilityProblems } from '../../device/simulation/accessibility.ts';
import { hasBrowser, launchBrowser, whyNoBrowser } from '../../device/simulation/browser.ts';
import { buildPage } from '../shared/bundle.ts';
import { keyIdOf } from './api-key.ts';
import { createKeysApi, type KeyRow } from './keys.ts';
import { createPortal } from './portal.ts';

const account = '11111111-2222-4333-8444-555555555555';
const onFailure = ({ error }: { error: unknown }) => {
  throw error;
};
if (!hasBrowser) console.warn(whyNoBrowser);

/** A pool whose one code is 123456. */
function userPool(): Hono {
  const app = new Hono();
  app.post('/pool', async (c) => {
    const operation = c.req.header('x-amz-target')?.split('.')[1];
    const body: { ConfirmationCode?: string } = await c.req.json();
    if (operation === 'ConfirmSignUp' && body.ConfirmationCode !== '123456') {
      return c.json({ __type: 'CodeMismatchException', message: 'Invalid verification code provided.' }, 400);
    }
    return c.json(operation === 'InitiateAuth' ? { AuthenticationResult: { IdToken: 'token-1' } } : {});
  });
  return app;
}

function keysApi() {
  const rows = new Map<string, KeyRow>();
  return createKeysApi({
    rows: {
      list: async () => [...rows.values()],
      async claim(_account, { slot, hash, ...key }) {
        rows.set(slot, { ...key, id: keyIdOf(slot, hash), slot, revokedAt: null });
        return true;
      },
      async revoke(_account, id, at) {
        const row = rows.get(id.charAt(0));
        if (row !== undefined) row.revokedAt = at;
        return row;
      },
      usage: async (_account, slot) => ({ id: rows.get(slot)?.id ?? '', plan: 'free', requests: 1_234 }),
    },
    gateway: { create: async () => 'gateway-key', remove: async () => undefined },
    gatewayValue: ({ hash }) => hash,
    now: () => new Date('2026-11-24T10:00:00Z'),
    random: () => new Uint8Array(32).fill(7),
    onFailure,
  });
}

describe.skipIf(!hasBrowser)('the page of the portal', () => {
  const server = createServer();
  let browser: Browser;
  let url = '';

  beforeAll(async () => {
    const files = buildPage(fileURLToPath(new URL('./portal/', import.meta.url)));
    const file = (name: string) => files.find(({ path }) => path.endsWith(name))?.text ?? '';
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    url = `http://127.0.0.1:${address.port}`;
    const portal = createPortal({
      settings: { userPool: `${url}/pool`, clientId: 'client-1', signUp: 'open' },
      page: { script: file('page.js'), style: file('page.css') },
      onFailure,
    });
    const pool = userPool();
    const keys = keysApi();
    const fetch = (request: Request) => {
      const { pathname } = new URL(request.url);
      const isSignedIn = request.headers.get('authorization') === 'token-1';
      const nobody = { requestId: 'one', keyId: undefined, plan: undefined, groups: [] };
      const caller = { ...nobody, account: isSignedIn ? account : undefined };
      if (pathname === '/pool') return pool.fetch(request);
      return (pathname.startsWith('/portal/apikeys') ? keys : portal).fetch(request, caller);
    };
    server.on('request', getRequestListener(fetch));
    browser = await launchBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A page that fails the test where it logs an error or is stopped by its own policy. */
  async function open(colorScheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; errors: string[] }> {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1000, height: 800 } });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('status of 400')) errors.push(message.text());
    });
    await page.goto(`${url}/portal`);
    return { page, errors };
  }

  const screenshots = process.env['PORTAL_SCREENSHOTS'];
  async function look(page: Page, name: string): Promise<void> {
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
    if (screenshots !== undefined) await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
  }

  test.each(['light', 'dark'] as const)(
    'takes a person from sign-up to a key that is shown once, its use, and its end (%s)',
    async (colors) => {
      const { page, errors } = await open(colors);
      await page.getByRole('button', { name: 'Make an account' }).click();
      await look(page, `${colors}-sign-up`);
      await page.getByLabel('Mail address').fill('reader@example.com');
      await page.getByLabel('Password').fill('Long-enough-1-for-all');
      await page.getByRole('button', { name: 'Make an account' }).click();
      await page.getByLabel('Code from the mail').fill('000000');
      await page.getByRole('button', { name: 'Confirm' }).click();
      await page.getByText('Invalid verification code provided.').waitFor();
      await look(page, `${colors}-confirm`);
      await page.getByLabel('Code from the mail').fill('123456');
      await page.getByRole('button', { name: 'Confirm' }).click();

      await page.getByLabel('What it is for').fill('line 4');
      await page.getByRole('button', { name: 'Issue the key' }).click();
      const key = page.locator('.new-key');
      await key.waitFor();
      const [text] = await key.allTextContents();
      expect(text).toMatch(/^[0-9a-f-]{36}\.\d\.[\w-]{43}$/);
      await page.getByText('1,234 of 10,000').waitFor();
      await look(page, `${colors}-issued`);
      await page.getByRole('button', { name: 'I have kept it' }).click();
      expect(await page.content()).not.toContain(text);

      await page.getByRole('button', { name: /^Revoke key/ }).click();
      await look(page, `${colors}-revoke`);
      await page.getByRole('button', { name: /for good$/ }).click();
      await page.getByText('revoked', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(errors).toEqual([]);
      await page.context().close();
    },
    60_000,
  );
});
