/** How whoever is really this crawler is known from those who say so. */
type Proof =
  /** The domains that its addresses are named in, as their owner says. */
  | { ptrSuffixes: readonly string[] }
  /** The list that its owner publishes instead, and the day of this copy, which proves for `rangesHoldDays` who is none. */
  | { publishedRanges: readonly string[]; asOf: string };

export type Crawler = Proof & {
  name: string;
  /** What its user agent contains, in small letters. */
  userAgent: string;
};

/** Days after which a list of addresses may lack new ones: then who is not in it is undecided. */
export const rangesHoldDays = 90;

/**
 * Crawlers that can be told from their fakes. A row is all that a further one takes: the web ACL's rule and the decision are
 * made from it. Sources: the owners' pages on how to verify their crawlers.
 */
export const crawlers = {
  google: { name: 'Google', userAgent: 'google', ptrSuffixes: ['googlebot.com', 'google.com'] },
  // `bing` alone is in the user agents of people's browsers too.
  bing: { name: 'Bing', userAgent: 'bingbot', ptrSuffixes: ['search.msn.com'] },
  yahoo: { name: 'Yahoo! Slurp', userAgent: 'slurp', ptrSuffixes: ['crawl.yahoo.net'] },
  apple: { name: 'Applebot', userAgent: 'applebot', ptrSuffixes: ['applebot.apple.com'] },
  yandex: { name: 'Yandex', userAgent: 'yandexbot', ptrSuffixes: ['yandex.ru', 'yandex.net', 'yandex.com'] },
  baidu: { name: 'Baidu', userAgent: 'baiduspider', ptrSuffixes: ['crawl.baidu.com', 'crawl.baidu.jp'] },
  seznam: { name: 'Seznam', userAgent: 'seznambot', ptrSuffixes: ['seznam.cz'] },
  duckduckgo: {
    name: 'DuckDuckBot',
    userAgent: 'duckduckbot',
    // help.duckduckgo.com, page "DuckDuckBot".
    publishedRanges: [
      ...['20.191.45.212/32', '40.88.21.235/32', '40.76.173.151/32', '40.76.163.7/32', '20.185.79.47/32'],
      ...['52.142.26.175/32', '20.185.79.15/32', '52.142.24.149/32', '40.76.162.208/32', '40.76.163.23/32'],
      ...['40.76.162.191/32', '40.76.162.247/32', '54.208.102.37/32', '107.21.1.8/32'],
    ],
    asOf: '2022-03-15',
  },
} as const satisfies Record<string, Crawler>;

export type CrawlerName = keyof typeof crawlers;

const known: ReadonlyMap<string, Crawler> = new Map(Object.entries(crawlers));

/**
 * The rows of these names.
 * @throws Error that names the one that has none.
 */
export function crawlersCalled(names: readonly string[]): readonly Crawler[] {
  return names.map((name) => {
    const crawler = known.get(name);
    if (crawler !== undefined) return crawler;
    throw new Error(`No crawler is called "${name}"; known are ${[...known.keys()].join(', ')}.`);
  });
}

/** Those that a user agent says it is: one, as a rule. */
export function claimedBy(userAgent: string, among: readonly Crawler[]): readonly Crawler[] {
  const lowerCase = userAgent.toLowerCase();
  return among.filter((crawler) => lowerCase.includes(crawler.userAgent));
}
