import { z } from 'zod';
import { escapeHtml } from './escape-html.ts';

/** What content-aggregator commits to the repository: a list of posts, newest first or last. */
export const newsFile = 'frontend/content.json';

const mostPosts = 500;
const post = z.object({
  title: z.string().min(1).max(300),
  intro: z.string().max(2_000).default(''),
  author: z.string().max(200).default(''),
  date: z.string().max(40).default(''),
  link: z.url({ protocol: /^https?$/ }).max(2_000),
});

/** The list as the content of a page. It is written by others: an entry that does not fit is left out, and fails no build. */
export function renderNews(json: string): string {
  const posts = entriesOf(json)
    .slice(0, mostPosts)
    .flatMap((entry) => post.safeParse(entry).data ?? []);
  const items = posts.map(({ title, intro, author, date, link }) => {
    const about = [date, author].filter((text) => text !== '').join(' · ');
    const heading = `<h2><a href="${escapeHtml(link)}" rel="noreferrer">${escapeHtml(title)}</a></h2>`;
    return `<article>${heading}<p class="about">${escapeHtml(about)}</p><p>${escapeHtml(intro)}</p></article>\n`;
  });
  return `<h1>News</h1>\n${items.join('')}${posts.length === 0 ? '<p>There is none.</p>\n' : ''}`;
}

function entriesOf(json: string): unknown[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
