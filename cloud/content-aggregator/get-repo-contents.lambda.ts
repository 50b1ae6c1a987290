import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { clientLimits } from './client-limits.ts';
import { knownKeys, parseContent } from './content-file.ts';
import type { RepoContents } from './contract.ts';
import { createGitHubContents, githubLimitMs } from './github-contents.ts';
import { readToken } from './github-token.aws.ts';
import { largestContentBytes } from './save-content.ts';

const environment = readEnvironment(
  z.object({
    BUCKET: z.string(),
    GITHUB_API: z.url(),
    GITHUB_REPO: z.string(),
    JSON_FILE: z.string(),
    TOKEN_PARAMETER: z.string(),
  }),
);
const { BUCKET, GITHUB_API, GITHUB_REPO, JSON_FILE, TOKEN_PARAMETER } = environment;
const { logger } = createTelemetry();
const ssm = new SSMClient(clientLimits);
const objects = createObjects(new S3Client(clientLimits), BUCKET);

/** What the content file has, put where each post is compared with it: it may be larger than a state may be. */
export async function handler(): Promise<RepoContents> {
  const github = createGitHubContents({
    ...{ endpoint: GITHUB_API, repo: GITHUB_REPO, path: JSON_FILE, largestBytes: largestContentBytes },
    ...{ token: readToken(ssm, TOKEN_PARAMETER), now: Date.now, sleep: (ms) => sleep(ms) },
    untilMs: Date.now() + githubLimitMs,
  });
  const file = await github.read();
  const keys = [...knownKeys(parseContent(file?.text))];
  const sha = file?.sha ?? 'none';
  // Named by what it is made of: a run that is tried again puts the same.
  const knownKey = `known/${sha}.json`;
  await objects.put(knownKey, Buffer.from(JSON.stringify(keys)), 'application/json');
  logger.info('content file read', { sha, entries: keys.length });
  return { sha, knownKey };
}
