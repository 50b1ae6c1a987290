import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { z } from 'zod';
import { hasBrowser, launchBrowser } from '../../device/simulation/browser.ts';

/**
 * Pictures of both pages, light, dark and on a phone, taken from a real short run into the folder screenshots/.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'screenshots');

const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

/** From the breach to its incident, and some curve on both sides. */
const mostSeconds = 90;

interface Run {
  serviceNowUrl: string;
  consoleLink: string;
  /** Resolves when a line of the run holds this. */
  said(what: string): Promise<void>;
  stop(): Promise<void>;
}

function startRun(dataDir: string): Promise<Run> {
  const options = ['--data-dir', dataDir, '--servicenow-port', '0', '--console-port', '0'];
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/simulate/main.ts', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const found = (what: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const line = lines.find((one) => one.includes(what));
        if (line === undefined) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(line);
      };
      const timer = setTimeout(() => reject(new Error(`the run did not say "${what}" in time`)), mostSeconds * 1_000);
      waiting.add(look);
      look();
    });
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
  };
  const linkAfter = async (what: string) => (await found(what)).slice(what.length).trim();
  return Promise.all([linkAfter('ServiceNow: '), linkAfter('console: ')]).then(([serviceNowUrl, consoleLink]) => ({
    ...{ serviceNowUrl, consoleLink, stop },
    said: async (what) => void (await found(what)),
  }));
}

async function pageOf(browser: Browser, look: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext(look)).newPage();
  page.setDefaultTimeout(20_000);
  return page;
}

async function picture(page: Page, name: string): Promise<void> {
  // The curve is drawn, and what has just come is not lit any more.
  await page.waitForTimeout(1_500);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: name.includes('phone') });
  process.stdout.write(`screenshots/${name}.png\n`);
}

async function takeConsole(browser: Browser, { consoleLink }: Run): Promise<void> {
  for (const [name, look] of Object.entries(looks)) {
    const page = await pageOf(browser, look);
    await page.goto(consoleLink);
    await page.getByLabel('Breaches of humidity on this curve').waitFor();
    await page.getByRole('button', { name: '5 min', exact: true }).click();
    await picture(page, `console-${name}`);
    await page.context().close();
  }
}

async function takeReview(browser: Browser, { serviceNowUrl }: Run, dataDir: string): Promise<void> {
  const text = readFileSync(join(dataDir, 'servicenow', 'credentials.json'), 'utf8');
  const { username, password } = z.object({ username: z.string(), password: z.string() }).parse(JSON.parse(text));
  for (const [name, look] of Object.entries(looks)) {
    const page = await pageOf(browser, look);
    await page.goto(serviceNowUrl);
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
    const incident = page.getByRole('link', { name: /^INC\d+/ }).first();
    await incident.waitFor();
    await picture(page, `incidents-${name}`);
    await incident.click();
    await page.getByRole('heading', { name: /^Activities/ }).waitFor();
    await picture(page, `incident-${name}`);
    await page.context().close();
  }
}

async function main(): Promise<number> {
  if (!hasBrowser) {
    process.stderr.write('The pictures are taken with /usr/bin/chromium: apt-get install chromium.\n');
    return 1;
  }
  mkdirSync(folder, { recursive: true });
  const dataDir = mkdtempSync(join(tmpdir(), 'screenshots-'));
  const run = await startRun(dataDir);
  const browser = await launchBrowser();
  try {
    await run.said(' created: ');
    // Some of the breach is to be seen.
    await run.said(' note: ');
    await takeConsole(browser, run);
    await takeReview(browser, run, dataDir);
    return 0;
  } finally {
    await browser.close();
    await run.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

process.exit(await main());
