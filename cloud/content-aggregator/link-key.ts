/** Parameters that say how somebody came, not where to. */
const tracking = /^(utm_.*|fbclid|gclid|msclkid|mc_cid|mc_eid|sc_channel|sc_campaign|trk|trkcampaign)$/i;

/**
 * The address of a page without what only says how somebody came to it: no fragment, no tracking parameters.
 * @param base Of the place where it stands, as it may be relative.
 * @returns undefined where it is no address of http(s), or has a password in it
 */
export function cleanLink(address: string, base?: string): string | undefined {
  const trimmed = address.trim();
  if (!URL.canParse(trimmed, base)) return undefined;
  const url = new URL(trimmed, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  const query = piecesOf(url).join('&');
  // With its own mark before it: the one that it may begin with would be taken for that.
  url.search = query === '' ? '' : `?${query}`;
  return url.href;
}

/**
 * Two addresses of one page have one key: it leaves out the protocol, what `cleanLink` leaves out, slashes at the end and
 * the order of what is asked for.
 */
export function linkKey(address: string): string {
  const clean = cleanLink(address);
  if (clean === undefined) return address.trim();
  const url = new URL(clean);
  const query = piecesOf(url).toSorted().join('&');
  return `${url.host}${url.pathname.replace(/\/+$/, '')}${query === '' ? '' : `?${query}`}`;
}

/** As they are written: to write them anew could make another address of it. */
function piecesOf({ search }: URL): string[] {
  return search
    .slice(1)
    .split('&')
    .filter((piece) => piece !== '' && !tracking.test(piece.split('=')[0] ?? ''));
}
