import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { clientLimits } from './client-limits.ts';
import { compareAgainstRepo } from './compare-against-repo.ts';
import { blogMeta, type Decision, knownLinks, link, repoContents } from './contract.ts';

const { BUCKET } = readEnvironment(z.object({ BUCKET: z.string() }));
const objects = createObjects(new S3Client(clientLimits), BUCKET);
const input = z.object({ BlogUrl: link, RepoBlogs: repoContents, BlogMeta: blogMeta });
/** What the last call compared with: all posts of a run are compared with the same. */
let last: { key: string; known: ReadonlySet<string> } | undefined;

/** Whether a post is in the content file. */
export async function handler(event: unknown): Promise<Decision> {
  const { BlogUrl, RepoBlogs, BlogMeta } = input.parse(event);
  const key = RepoBlogs.knownKey;
  if (last?.key !== key) last = { key, known: await read(key) };
  return compareAgainstRepo([BlogUrl, BlogMeta.link], last.known);
}

async function read(key: string): Promise<ReadonlySet<string>> {
  return new Set(knownLinks.parse(JSON.parse(Buffer.from(await objects.get(key)).toString('utf8'))));
}
