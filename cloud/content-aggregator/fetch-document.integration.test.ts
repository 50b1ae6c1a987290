import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FetchDeps, fetchDocument, largestDocument } from './fetch-document.ts';
import { publicLookup } from './public-address.ts';
import { startSite, type TestSite } from './test-site.ts';

let site: TestSite;
const html = { 'content-type': 'text/html' };

beforeAll(async () => {
  site = await startSite();
  const page = (path: string, ...answer: [number, Record<string, string>, (string | Buffer)?]) =>
    site.pages.set(path, (_, response) => response.writeHead(answer[0], answer[1]).end(answer[2]));
  page('/busy', 503, {});
  page('/limited', 429, {});
  page('/forbidden', 403, {});
  page('/partial', 206, html, 'part');
  page('/moved', 302, { location: '/advisory-17.html' });
  page('/round', 302, { location: '/round' });
  page('/inner', 302, { location: 'http://169.254.169.254/latest/meta-data/' });
  page('/other-port', 302, { location: 'http://127.0.0.1:1/' });
  page('/file', 302, { location: 'file:///etc/passwd' });
  page('/nonsense', 302, { location: 'http://[' });
  page('/zipped', 200, { ...html, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000)));
  page(
    '/latin',
    200,
    { 'content-type': 'Text/HTML; charset="ISO-8859-1"' },
    Buffer.from('<title>Größe</title>', 'latin1'),
  );
  page('/xml', 200, {}, Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><a>ü</a>', 'latin1'));
  page('/unknown', 200, { 'content-type': 'text/html; charset=martian' }, 'ü');
  page('/said', 200, { 'content-length': String(largestDocument + 1) });
  site.pages.set('/endless', (_, response) => {
    response.writeHead(200, html);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more).on('error', () => {});
    more();
  });
  site.pages.set('/slow', (_, response) => response.writeHead(200, html).write('<title>'));
  site.pages.set('/silent', () => {});
  site.pages.set('/broken', (_, response) => {
    response.writeHead(200, { ...html, 'content-length': '100' }).write('half', () => response.destroy());
  });
});

afterAll(() => site.stop());

const fetched = (path: string, more: Partial<FetchDeps> = {}) =>
  fetchDocument(path.includes('://') ? path : `${site.origin}${path}`, { allowedHosts: [site.host], ...more });

test('a page comes as text, from where it was in the end', async () => {
  expect(await fetched('/moved')).toMatchObject({
    ...{ url: `${site.origin}/advisory-17.html`, type: 'text/html' },
    text: expect.stringContaining('Advisory 17'),
  });
});

test('text is read in the encoding that header or document say, else as UTF-8', async () => {
  expect((await fetched('/latin')).text).toBe('<title>Größe</title>');
  expect((await fetched('/xml')).text).toContain('ü');
  expect((await fetched('/unknown')).text).toBe('ü');
});

const poison = [
  { what: 'gone', path: '/gone.html', reason: 'DocumentRefused' },
  { what: 'forbidden', path: '/forbidden', reason: 'DocumentRefused' },
  { what: 'a part', path: '/partial', reason: 'DocumentRefused' },
  { what: 'a circle', path: '/round', reason: 'TooManyRedirects' },
  { what: 'compressed', path: '/zipped', reason: 'DocumentEncoded' },
  { what: 'endless', path: '/endless', reason: 'DocumentTooLarge' },
  { what: 'too large', path: '/said', reason: 'DocumentTooLarge' },
  { what: 'inside the network', path: '/inner', reason: 'AddressNotAllowed' },
  { what: 'at another port', path: '/other-port', reason: 'AddressNotAllowed' },
  { what: 'a file', path: '/file', reason: 'AddressNotAllowed' },
  { what: 'nowhere', path: '/nonsense', reason: 'AddressNotAllowed' },
  { what: 'of a host that nobody allowed', path: 'https://evil.example/', reason: 'AddressNotAllowed' },
  { what: 'of a user', path: 'http://user:secret@vendor.example/', reason: 'AddressNotAllowed' },
];

test.each(poison.map(({ what, ...one }): [string, typeof one] => [what, one]))(
  'a page that is %s is refused (poison)',
  async (_, { path, reason }) => {
    await expect(fetched(path)).rejects.toMatchObject({ name: reason });
  },
);

test('a name that is allowed and leads inside the network is not asked', async () => {
  const before = site.requests.length;
  const lookup = publicLookup((_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]));
  const address = `http://vendor.example:${site.host.split(':')[1]}/advisory-17.html`;
  await expect(fetched(address, { allowedHosts: [new URL(address).host], lookup })).rejects.toMatchObject({
    name: 'AddressNotAllowed',
  });
  expect(site.requests).toHaveLength(before);
});

test.each(['/busy', '/limited', '/broken', 'http://127.0.0.1:1/'])('%s may be had later', async (path) => {
  await expect(fetched(path, { allowedHosts: [site.host, '127.0.0.1:1'] })).rejects.toMatchObject({
    name: 'Unavailable',
  });
});

test.each(['/slow', '/silent'])('%s ends in time, whatever it sends', async (path) => {
  await expect(fetched(path, { limitMs: 200 })).rejects.toThrow('was not there within 0.2 s');
});
