import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { clientLimits } from './client-limits.ts';
import { createGitHubContents, githubLimitMs } from './github-contents.ts';
import { readToken } from './github-token.aws.ts';
import { largestContentBytes } from './save-content.ts';

/** What the environment of a function names: the content file in its repository, and the bucket of the room. */
export function openContentRepository() {
  const { BUCKET, GITHUB_API, GITHUB_REPO, JSON_FILE, TOKEN_PARAMETER } = readEnvironment(
    z.object({
      BUCKET: z.string(),
      GITHUB_API: z.url(),
      GITHUB_REPO: z.string(),
      JSON_FILE: z.string(),
      TOKEN_PARAMETER: z.string(),
    }),
  );
  const ssm = new SSMClient(clientLimits);
  return {
    objects: createObjects(new S3Client(clientLimits), BUCKET),
    /** For one call of the function, whose time begins now. */
    connect: () =>
      createGitHubContents({
        ...{ endpoint: GITHUB_API, repo: GITHUB_REPO, path: JSON_FILE, largestBytes: largestContentBytes },
        ...{ token: readToken(ssm, TOKEN_PARAMETER), now: Date.now, sleep: (ms) => sleep(ms) },
        untilMs: Date.now() + githubLimitMs,
      }),
  };
}
