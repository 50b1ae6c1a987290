import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { type BlogMeta, link, type RefusedPost } from './contract.ts';
import { fetchDocument } from './fetch-document.ts';
import { postPage } from './page.ts';
import { Refused } from './refused.ts';

const { ALLOWED_HOSTS } = readEnvironment(z.object({ ALLOWED_HOSTS: allowedHosts }));
const { logger } = createTelemetry();

/**
 * What the page of a post says of itself, or why it never will.
 * @throws Unavailable where a retry may help
 */
export async function handler(event: unknown): Promise<BlogMeta | RefusedPost> {
  const url = link.parse(event);
  try {
    return postPage(await fetchDocument(url, { allowedHosts: ALLOWED_HOSTS }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    logger.warn('post refused', { url, error });
    return { refused: error.name };
  }
}
