/** Of every list: more is not expected of an organisation, and not read. */
const mostPages = 100;

/**
 * A list whole, page after page.
 * @throws Error where it is longer than its bound: a part of a list would be taken for all of it.
 */
export async function allPages<T>(
  what: string,
  page: (token: string | undefined) => Promise<{ items: readonly T[]; next: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { items, next } = await page(token);
    all.push(...items);
    if (next === undefined || next === '') return all;
    token = next;
  }
  throw new Error(`There are more ${what} than ${mostPages} pages have: raise the bound in pages.aws.ts.`);
}
