import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { seriousAccessibilityProblems } from '../simulation/accessibility.ts';
import { hasBrowser, launchBrowser, whyNoBrowser } from '../simulation/browser.ts';
import { type ConsoleStage, startConsoleStage } from './console-stage.ts';
import { overview } from './contract.ts';

if (!hasBrowser) console.warn(whyNoBrowser);

describe.skipIf(!hasBrowser)('device console in chromium', { timeout: 60_000 }, () => {
  let browser: Browser;
  let stage: ConsoleStage;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
  }, 60_000);
  beforeEach(async () => {
    stage = await startConsoleStage();
  });
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
    await stage.stop();
  });
  afterAll(() => browser.close());

  /** What the page says in its console beside is a failure of the test. */
  async function open(address = stage.link, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(address);
    await page.getByText('Live', { exact: true }).waitFor();
    return { page, complaints };
  }
  const chart = (page: Page, metric: string) => page.getByRole('img', { name: new RegExp(`^${metric} between`) });
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const openTab = (page: Page, name: RegExp) => page.getByRole('tab', { name }).click();
  const incidents = () => stage.serviceNow.rows('incident').filter((row) => row['correlation_id'] !== '');

  test('the link’s token leaves the address, and is kept for this tab', async () => {
    const { page, complaints } = await open();
    await page.getByText('You may make changes').waitFor();
    expect(page.url()).not.toContain('token');
    expect(await page.evaluate('sessionStorage.getItem("console-token")')).toBe(stage.token);
    await page.reload();
    await page.getByText('You may make changes').waitFor();
    await press(page, 'Lock');
    await page.getByText('Reading only').waitFor();
    await press(page, 'Unlock changes');
    await page.getByLabel('Token').fill('wrong');
    await press(page, 'Unlock');
    await page.getByRole('alert').getByText('console-token').waitFor();
    await page.getByLabel('Token').fill(stage.token);
    await press(page, 'Unlock');
    await page.getByText('You may make changes').waitFor();
    // The refused token.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  });

  test('a breach appears on the curve, leads to its incident, and the incident leads back', async () => {
    const { page, complaints } = await open();
    await page.getByText('No device has spoken yet.').waitFor();
    // Of one instant there is one reading.
    for (const [index, humidity] of [44, 45, 55, 56].entries()) {
      await stage.read({ humidity, temperature: 21 }, { agoMs: 4_000 - index * 1_000 });
    }
    await stage.heartbeat();
    await page.getByText('sensor ok').waitFor();
    await page.getByText('above 50 %RH; fires once').waitFor();
    const breach = await stage.fire({ startedAt: new Date(Date.now() - 120_000).toISOString() });
    const onCurve = page.getByLabel('Breaches of humidity on this curve').getByRole('link');
    await onCurve.waitFor();
    await expect
      .poll(() => chart(page, 'humidity').getAttribute('aria-label'))
      .toMatch(/from 44 %RH to 56 %RH.*; 1 breach$/);
    const [row] = incidents();
    expect(await onCurve.textContent()).toBe(row?.['number']);

    const [incident] = await Promise.all([page.waitForEvent('popup'), onCurve.click()]);
    await incident.getByLabel('User name').fill(stage.serviceNow.credentials.username);
    await incident.getByLabel('Password').fill(stage.serviceNow.credentials.password);
    await incident.getByRole('button', { name: 'Log in' }).click();
    const back = incident.getByRole('link', { name: new RegExp(`breach=${breach.id}`) });
    const [curve] = await Promise.all([incident.waitForEvent('popup'), back.click()]);
    await curve.getByRole('button', { name: 'Back to live' }).waitFor();
    await curve.getByLabel('Breaches of humidity on this curve').waitFor();

    await stage.resolve(breach);
    await page.getByRole('row').filter({ hasText: 'humidity upper' }).getByText('ended').waitFor();
    // The quiet period runs on the device's time, so the device goes on speaking.
    const state = async () => {
      await stage.heartbeat();
      return incidents()[0]?.['state'];
    };
    await expect.poll(state, { timeout: 15_000 }).toBe('6');
    expect(complaints).toEqual([]);
  });

  test('what a person decides on the incident page is kept: on hold over a recovery, canceled while it breaches', async () => {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const { username, password } = stage.serviceNow.credentials;
    const of = (metric: string) => incidents().filter((row) => row['correlation_id']?.includes(`/${metric}/`));
    const openIncident = async (metric: string) => {
      await expect.poll(() => of(metric).length, { timeout: 15_000 }).toBe(1);
      await page.goto(`${stage.serviceNow.url}/incident/${of(metric)[0]?.['sys_id']}`);
    };
    /** The device goes on speaking until nothing is left to be told. */
    const toldAll = async () => {
      await stage.heartbeat();
      const answer = await fetch(`${stage.url}/api/overview`);
      return overview.parse(await answer.json()).outbox.waiting === 0;
    };
    const dialog = page.getByRole('dialog');

    const held = await stage.fire();
    await openIncident('humidity');
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(password);
    await press(page, 'Log in');
    await press(page, 'Put on hold');
    await dialog.getByLabel('On hold reason').selectOption('Awaiting Vendor');
    await dialog.getByRole('button', { name: 'Put on hold' }).click();
    await expect.poll(() => of('humidity')[0]?.['state']).toBe('3');
    await stage.resolve(held);
    await page.getByText('The incident is on hold and is left so.').waitFor();
    await expect.poll(toldAll, { timeout: 15_000 }).toBe(true);
    expect(of('humidity').map((row) => row['state'])).toEqual(['3']);

    const canceled = await stage.fire({ metric: 'temperature' });
    await openIncident('temperature');
    await press(page, 'Cancel incident');
    await dialog.getByLabel('Reason').fill('A test of the heating.');
    await dialog.getByRole('button', { name: 'Cancel incident' }).click();
    await expect.poll(() => of('temperature')[0]?.['state']).toBe('8');
    await stage.resolve(canceled);
    await expect.poll(toldAll, { timeout: 15_000 }).toBe(true);
    expect(of('temperature').map((row) => row['state'])).toEqual(['8']);
    // Only a recovery and a new firing open anew.
    await stage.fire({ metric: 'temperature' });
    await expect.poll(() => of('temperature').map((row) => row['state']), { timeout: 15_000 }).toEqual(['8', '1']);
  });

  test('a silence is refused without the token; with it, it holds a breach back until it ends', async () => {
    await stage.read({ humidity: 44 });
    const { page } = await open(stage.url);
    await page.getByText('Reading only').waitFor();
    const silence = async (asked: Page) => {
      await asked.getByRole('article', { name: 'humidity' }).getByRole('button', { name: 'Silence upper' }).click();
      const dialog = asked.getByRole('dialog');
      await dialog.getByLabel('Who sets it').fill('Ann <script>alert(1)</script>');
      await dialog.getByLabel('Why').fill('window open');
      await dialog.getByRole('button', { name: 'Set silence' }).click();
      return dialog;
    };
    await (await silence(page)).getByRole('alert').getByText('wants the console’s token').waitFor();

    const { page: allowed, complaints } = await open();
    await (await silence(allowed)).waitFor({ state: 'detached' });
    await openTab(allowed, /^Silences \(1\)$/);
    const row = allowed.getByRole('row').filter({ hasText: 'pi, humidity, upper' });
    expect(await row.textContent()).toMatch(/Ann <script>alert\(1\)<\/script>.*window open/);

    const startedAt = new Date(Date.now() - 60_000).toISOString();
    await stage.fire({ startedAt });
    await allowed.getByRole('article', { name: 'humidity' }).getByText('opens when its silence ends').first().waitFor();
    expect(incidents()).toEqual([]);
    await row.getByRole('button', { name: /End now/ }).click();
    await allowed.getByText('Nothing is silenced.').waitFor();
    await expect.poll(() => incidents()[0]?.['description'], { timeout: 15_000 }).toContain(`start=${startedAt}`);
    expect(complaints).toEqual([]);
  });

  test('what the instance refuses is a dead letter, and is told once it is redriven', async () => {
    stage.serviceNow.faults.add({ kind: 'business-rule', name: 'Caller wanted', match: { table: 'incident' } });
    await stage.read({ humidity: 56 });
    const { page, complaints } = await open();
    await stage.fire();
    await openTab(page, /^Dead letters \(1\)$/);
    await page.getByText('Caller wanted').waitFor();
    stage.serviceNow.faults.clear();
    await press(page, 'Redrive all');
    await page.getByText('The instance has refused nothing.').waitFor();
    await expect.poll(() => incidents().length, { timeout: 15_000 }).toBe(1);
    expect(complaints).toEqual([]);
  });

  test('curves are looked at closer with the pointer and with the keyboard', async () => {
    for (let agoMs = 600_000; agoMs >= 0; agoMs -= 20_000) await stage.read({ humidity: 44 }, { agoMs });
    const { page, complaints } = await open();
    await expect
      .poll(async () => Number(await chart(page, 'humidity').getAttribute('data-points')))
      .toBeGreaterThan(20);
    const box = await chart(page, 'humidity').boundingBox();
    if (box === null) throw new Error('the chart is not there');
    await page.mouse.move(box.x + box.width * 0.5, box.y + 80);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 80, { steps: 5 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Back to live' }).waitFor();
    await page.keyboard.press('l');
    await page.getByText(/^live, the last/).waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('button', { name: 'Back to live' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^live, the last/).waitFor();
    await press(page, '24 h');
    await page.getByText('live, the last 1 d').waitFor();
    expect(complaints).toEqual([]);
  });

  test('names and words of others are text, and the configuration tells its layers', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    await stage.read({ [hostile]: 1 }, { deviceId: hostile });
    await stage.heartbeat(hostile, hostile);
    const { page, complaints } = await open();
    await page.getByRole('heading', { name: hostile }).first().waitFor();
    await page.getByText(hostile).first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    await openTab(page, /^Configuration$/);
    await page.getByLabel('only what differs').uncheck();
    await page.getByLabel('Search').fill('handler.quiet');
    expect(await page.getByRole('row').filter({ hasText: 'handler.quietMs' }).textContent()).toMatch(/500 ms.*default/);
    expect(complaints).toEqual([]);
  });

  test('what a deployment wanted and is not in force is told with its reason', async () => {
    const { page, complaints } = await open();
    await page.route('**/api/configuration', async (route) => {
      const answer = await route.fetch();
      const body = await answer.text();
      const refused = {
        atMs: Date.parse('2026-03-01T12:00:00Z'),
        reason: '- tempLimit (deployment): found "hot"\n- <b>',
      };
      await route.fulfill({ body: body.replace('"refused":null', `"refused":${JSON.stringify(refused)}`) });
    });
    await openTab(page, /^Configuration$/);
    const banner = page.getByText(/is not in force/).locator('..');
    await banner.waitFor();
    expect(await banner.textContent()).toContain('- tempLimit (deployment): found "hot"\n- <b>');
    await page.getByText(/version .* since/).waitFor();
    expect(complaints).toEqual([]);
  });

  test('thousands of updates leave a page as small as it was', async () => {
    await stage.read({ humidity: 44 });
    const { page } = await open(stage.url);
    await chart(page, 'humidity').waitFor();
    const nodes = () => page.evaluate('document.querySelectorAll("*").length');
    const before = await nodes();
    const beganAt = Date.now() - 200_000;
    const update = (index: number) => {
      const atMs = beganAt + index * 50;
      const metrics = [{ metric: 'humidity', atMs, value: 44, min: 43, max: 45 }];
      const data = { nowMs: atMs, devices: [{ site: 'home', deviceId: 'pi', metrics }] };
      return `event: values\ndata: ${JSON.stringify(data)}\n\n`;
    };
    const body = Array.from({ length: 4_000 }, (_, index) => update(index)).join('');
    await page.route('**/api/series**', (route) => route.abort());
    await page.route(
      '**/api/events',
      async (route) => {
        await chart(page, 'humidity').waitFor();
        await route.fulfill({ contentType: 'text/event-stream', body });
      },
      { times: 1 },
    );
    await page.reload();
    const points = async () => Number(await chart(page, 'humidity').getAttribute('data-points'));
    await expect.poll(points, { timeout: 20_000 }).toBe(2_400);
    expect(Number(await nodes())).toBeLessThan(Number(before) + 50);
  });

  test.each<[string, BrowserContextOptions]>([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a phone', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ])('nobody is kept out, %s', async (_case, options) => {
    stage.serviceNow.faults.add({
      kind: 'business-rule',
      name: 'Caller wanted',
      match: { bodyIncludes: 'temperature' },
    });
    await stage.read({ humidity: 56, temperature: 35 });
    await stage.read({ humidity: 30 }, { deviceId: 'freezer' });
    await stage.heartbeat('no chip answers on the bus');
    await stage.fire();
    await stage.fire({ metric: 'temperature' });
    const { page } = await open(stage.link, options);
    await page.getByText('You may make changes').waitFor();
    await page.getByLabel('Devices').getByRole('button', { name: /^pi/ }).click();
    for (const tab of [/^Breaches/, /^Silences/, /^Dead letters \(1\)/, /^Configuration/]) {
      await openTab(page, tab);
      expect(await seriousAccessibilityProblems(page)).toEqual([]);
    }
    await page.getByRole('button', { name: 'Silence upper' }).first().click();
    expect(await seriousAccessibilityProblems(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });
});
