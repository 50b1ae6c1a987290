import { posix } from 'node:path';

/** Files of the repository by their path, `cloud/README.md`. */
export type Sources = ReadonlyMap<string, Uint8Array>;

/** Pages below it are written by others: what is wrong in them is shown as text and fails no build. */
export const foreignFolder = 'content/';

/** Where a page stands in the site, `cloud/index.html`; its address is its path, so that the site works from any folder. */
export function pagePath(source: string): string {
  return source.replace(/(^|\/)README\.md$/, '$1index.md').replace(/\.md$/, '.html');
}

export type LinkTarget =
  /** Of the site: an address relative to the page that links. */
  | { kind: 'inside'; href: string }
  /** `http:`, `https:`, `mailto:`. */
  | { kind: 'outside'; href: string }
  /** A file of the repository that the site does not have. */
  | { kind: 'repository'; path: string }
  | { kind: 'broken'; why: string };

/** What the links of a page may lead to. */
export interface LinkTargets {
  /** Anchors of each page, by its source. */
  anchors: ReadonlyMap<string, ReadonlySet<string>>;
  /** Pictures that the site has. */
  pictures: ReadonlySet<string>;
  /** Whether the repository has this file or folder. */
  exists(path: string): boolean;
}

/** Where a link of the page `source` leads. */
export function resolveLink(source: string, href: string, targets: LinkTargets): LinkTarget {
  if (/^(https?:\/\/|mailto:)/i.test(href)) return { kind: 'outside', href };
  if (/^([a-z][a-z0-9+.-]*:|\/|\\)/i.test(href)) return { kind: 'broken', why: 'no link may have this scheme or host' };
  const [path = '', ...fragments] = href.split('#');
  const fragment = fragments.join('#');
  const decoded = decode(path);
  if (decoded === undefined) return { kind: 'broken', why: 'it is not encoded as an address is' };
  const at = decoded === '' ? source : posix.normalize(posix.join(posix.dirname(source), decoded)).replace(/\/$/, '');
  if (at.startsWith('..')) return { kind: 'broken', why: 'it leaves the repository' };
  const page = [at, at === '.' ? 'README.md' : `${at}/README.md`].find((one) => targets.anchors.has(one));
  if (page === undefined) {
    if (targets.pictures.has(at)) return { kind: 'inside', href: relative(source, at) };
    return targets.exists(at) ? { kind: 'repository', path: at } : { kind: 'broken', why: `there is no ${at}` };
  }
  if (fragment !== '' && targets.anchors.get(page)?.has(fragment) !== true) {
    return { kind: 'broken', why: `${page} has no heading #${fragment}` };
  }
  const anchor = fragment === '' ? '' : `#${encodeURIComponent(fragment)}`;
  return {
    kind: 'inside',
    href: page === source ? anchor || relative(source, pagePath(page)) : `${relative(source, pagePath(page))}${anchor}`,
  };
}

/** Address of a file of the site as a page links it. */
export function relative(source: string, target: string): string {
  const path = posix.relative(posix.dirname(pagePath(source)), target);
  return path.split('/').map(encodeURIComponent).join('/').replaceAll('..%2F', '../');
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
