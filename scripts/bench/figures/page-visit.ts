import type { Browser, Page } from 'playwright-core';
import { AppError } from '../../../device/platform/errors.ts';
import { median } from '../median.ts';
import type { Figure } from './figure.ts';

/** One look at a page by somebody who has never been there. */
export interface Look {
  /** From the click, or the begin of the navigation, until it was drawn, ms by the page's clock. */
  ms: number;
  /** What had come over the network by then, compressed as it came; without event streams, which do not end. */
  bytes: number;
}

export interface Visit {
  page: Page;
  /** The look at what the address shows. */
  goTo(address: string, isShown: string): Promise<Look>;
  /** The look at what follows a click. */
  click(button: string, isShown: string): Promise<Look>;
}

const visits = 5;
const patienceMs = 60_000;

/** Has several visitors, each with an empty cache; answers the medians of their looks. */
export async function medianLooks<Name extends string>(
  browser: Browser,
  look: (visit: Visit) => Promise<Record<Name, Look>>,
): Promise<Record<string, Look>> {
  const all: Record<string, Look>[] = [];
  for (let visit = 0; visit < visits; visit += 1) all.push(await visited(browser, look));
  const names = Object.keys(all[0] ?? {});
  const middle = (name: string, figure: keyof Look) => median(all.flatMap((looks) => looks[name]?.[figure] ?? []));
  return Object.fromEntries(names.map((name) => [name, { ms: middle(name, 'ms'), bytes: middle(name, 'bytes') }]));
}

async function visited<T>(browser: Browser, look: (visit: Visit) => Promise<T>): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    let bytes = 0;
    await network.send('Network.enable');
    network.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    const shownAtMs = async (isShown: string) => {
      const instant = await page.evaluate<number | null>(instantOf(isShown));
      if (instant !== null) return instant;
      const what = `${new URL(page.url()).pathname} did not show within ${patienceMs / 1_000} s: ${isShown}`;
      throw new AppError('failed', `${what}. Has the page changed? Then say in scripts/bench/figures what it shows.`);
    };
    return await look({
      page,
      async goTo(address, isShown) {
        const before = bytes;
        await page.goto(address, { waitUntil: 'commit' });
        return { ms: await shownAtMs(isShown), bytes: bytes - before };
      },
      async click(button, isShown) {
        const before = bytes;
        const fromMs = Number(await page.evaluate('performance.now()'));
        await page.getByRole('button', { name: button, exact: true }).click();
        return { ms: (await shownAtMs(isShown)) - fromMs, bytes: bytes - before };
      },
    });
  } finally {
    await context.close();
  }
}

/** The page's clock at the first frame in which it is drawn; null where it is not in time. */
function instantOf(isShown: string): string {
  return `new Promise((answer) => {
    setTimeout(() => answer(null), ${patienceMs});
    const look = () => (${isShown}) ? answer(performance.now()) : requestAnimationFrame(look);
    look();
  })`;
}

/** Time and bytes of a look, one figure each. */
export function figuresOf(name: string, { ms, bytes }: Look): Figure[] {
  const how = `median of ${visits} visitors who begin with an empty cache, Chromium on this machine`;
  return [
    { measure: `${name}: until shown`, value: ms, unit: 'ms', how },
    {
      measure: `${name}: transferred`,
      value: bytes / 1e3,
      unit: 'kB',
      how: 'of the same; event streams are not counted',
    },
  ];
}
