/** Parameters that say how somebody came, not where to. */
const tracking = /^(utm_.*|fbclid|gclid|msclkid|mc_cid|mc_eid|sc_channel|sc_campaign|trk|trkcampaign|ref_)$/i;

/**
 * The address without what does not change which page it is: no fragment, no tracking parameters, the rest of the query
 * in order, no slash at the end.
 * @returns undefined where it is no address of http(s), or has a password in it
 */
export function normaliseLink(address: string, base?: string): string | undefined {
  const trimmed = address.trim();
  if (!URL.canParse(trimmed, base)) return undefined;
  const url = new URL(trimmed, base);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  const kept = [...url.searchParams].filter(([name]) => !tracking.test(name));
  kept.sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)));
  url.search = new URLSearchParams(kept).toString();
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url.pathname === '/' && url.search === '' ? url.origin : url.href;
}

/** Two addresses of one page have one key: http and https are the same. */
export function linkKey(address: string): string {
  return (normaliseLink(address) ?? address.trim()).replace(/^https?:\/\//, '');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
