import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { type FeedPosts, runInput } from './contract.ts';
import { postsOf } from './feed.ts';
import { fetchDocument } from './fetch-document.ts';

const { ALLOWED_HOSTS } = readEnvironment(z.object({ ALLOWED_HOSTS: allowedHosts }));
const { logger } = createTelemetry();

/** Addresses of the newest posts of a feed. */
export async function handler(event: unknown): Promise<FeedPosts> {
  const { feedUrl } = runInput.parse(event);
  const { url, text } = await fetchDocument(feedUrl, { allowedHosts: ALLOWED_HOSTS });
  const posts = postsOf(text, url);
  const { urls, unusable, older } = posts;
  logger.info('feed read', { feedUrl, posts: urls.length, unusable, older });
  return posts;
}
