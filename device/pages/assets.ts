import { readdir, readFile } from 'node:fs/promises';
import { AppError, codeOf, messageOf } from '../platform/errors.ts';
import type { BuiltFile } from './build.ts';

/** Pages by the name of their folder, with the title of their document. */
const titles = { review: 'Incidents · local ServiceNow', console: 'Device console' } as const;

export type PageName = keyof typeof titles;

export interface PageAssets {
  /** The document; it names its scripts and stylesheets as `/assets/<file>`. */
  readonly html: string;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

const loaded = new Map<PageName, Promise<PageAssets>>();

/**
 * The document, scripts and styles of a page, once for each process: from `built/<name>/` where a package holds them,
 * otherwise bundled at the first use.
 * @throws AppError `page-unusable`; the next call tries again.
 */
export function pageAssets(name: PageName): Promise<PageAssets> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const loading = load(name);
  loaded.set(name, loading);
  loading.catch(() => loaded.delete(name));
  return loading;
}

async function load(name: PageName): Promise<PageAssets> {
  try {
    const files = (await readBuilt(name)) ?? (await (await import('./build.ts')).buildPage(name));
    return { html: documentOf(titles[name], files), files: new Map(files.map((file) => [file.name, file.bytes])) };
  } catch (error) {
    throw new AppError(
      'page-unusable',
      `Cannot build the page "${name}": ${messageOf(error)}. In a checkout run npm ci; in a package install it again.`,
      { cause: error },
    );
  }
}

async function readBuilt(name: PageName): Promise<BuiltFile[] | undefined> {
  const folder = new URL(`built/${name}/`, import.meta.url);
  try {
    const names = await readdir(folder);
    return await Promise.all(
      names.map(async (file) => ({ name: file, bytes: new Uint8Array(await readFile(new URL(file, folder))) })),
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function documentOf(title: string, files: readonly BuiltFile[]): string {
  const names = files.map((file) => file.name);
  const styles = names
    .filter((file) => file.endsWith('.css'))
    .map((file) => `<link rel="stylesheet" href="/assets/${file}">`);
  const scripts = names
    .filter((file) => file.endsWith('.js'))
    .map((file) => `<script type="module" src="/assets/${file}"></script>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
${[...styles, ...scripts].join('\n')}
</head>
<body>
<div id="app"></div>
<noscript><p>This page needs JavaScript.</p></noscript>
</body>
</html>
`;
}

/** Only what this server sends runs or is shown; nothing is inline, and no page frames this one. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Answers with the document of a page. */
export function documentResponse({ html }: PageAssets): Response {
  return new Response(html, {
    headers: { ...pageHeaders, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' },
  });
}

/** Answers `/assets/<file>`; undefined where the page has no such file. */
export function assetResponse({ files }: PageAssets, file: string): Response | undefined {
  const bytes = files.get(file);
  if (bytes === undefined) return undefined;
  const type = file.endsWith('.css') ? 'text/css' : 'text/javascript';
  return new Response(bytes, {
    headers: {
      ...pageHeaders,
      'Content-Type': `${type}; charset=utf-8`,
      'Cache-Control': 'public, max-age=31536000, immutable',
    },
  });
}
