/**
 * The `Link` header of a list: `<url>;rel="first"`, prev, next and last, as far as they exist.
 * @param url the request's own URL; its other parameters are kept
 */
export function paginationLinks(url: URL, page: { limit: number; offset: number; total: number }): string {
  const { limit, offset, total } = page;
  if (limit === 0) return '';
  const link = (rel: string, at: number) => {
    const target = new URL(url);
    target.searchParams.set('sysparm_limit', String(limit));
    target.searchParams.set('sysparm_offset', String(at));
    return `<${target.href}>;rel="${rel}"`;
  };
  const links = [link('first', 0)];
  if (offset > 0) links.push(link('prev', Math.max(0, offset - limit)));
  if (offset + limit < total) links.push(link('next', offset + limit));
  links.push(link('last', total === 0 ? 0 : Math.floor((total - 1) / limit) * limit));
  return links.join(',');
}
