/** What the page shows; its address holds all of it, so that a link shows the same. */
export type Route = { page: 'list'; list: ListView } | { page: 'incident'; name: string };

export interface ListView {
  /** Encoded query with its order. */
  query: string;
  search: string;
  /** From 0. */
  page: number;
  pageSize: number;
}

export const pageSizes = [20, 50, 100] as const;
export const defaultList: ListView = { query: 'active=true^ORDERBYDESCnumber', search: '', page: 0, pageSize: 20 };

export function routeOf(url: URL): Route {
  const name = /^\/incident\/([A-Za-z0-9]{1,40})$/.exec(url.pathname)?.[1];
  if (name !== undefined) return { page: 'incident', name };
  const parameters = url.searchParams;
  const page = Number(parameters.get('page') ?? '1');
  const pageSize = Number(parameters.get('size'));
  return {
    page: 'list',
    list: {
      query: parameters.get('sysparm_query') ?? defaultList.query,
      search: parameters.get('search') ?? '',
      page: Number.isSafeInteger(page) && page > 0 ? page - 1 : 0,
      pageSize: pageSizes.find((size) => size === pageSize) ?? defaultList.pageSize,
    },
  };
}

export function pathOf(route: Route): string {
  if (route.page === 'incident') return `/incident/${encodeURIComponent(route.name)}`;
  const { query, search, page, pageSize } = route.list;
  const parameters = new URLSearchParams();
  if (query !== defaultList.query) parameters.set('sysparm_query', query);
  if (search !== '') parameters.set('search', search);
  if (page > 0) parameters.set('page', String(page + 1));
  if (pageSize !== defaultList.pageSize) parameters.set('size', String(pageSize));
  return parameters.size === 0 ? '/' : `/?${parameters}`;
}
