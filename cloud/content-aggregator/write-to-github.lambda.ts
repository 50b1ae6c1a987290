import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { S3Client } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { clientLimits } from './client-limits.ts';
import { type Saved, saveInput, toldKey, type Untold } from './contract.ts';
import { createGitHubContents, githubLimitMs } from './github-contents.ts';
import { readToken } from './github-token.aws.ts';
import { largestContentBytes, saveContent } from './save-content.ts';
import { noteTold, untoldCommit } from './told-commit.ts';

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
const { logger, metrics } = createTelemetry();
const ssm = new SSMClient(clientLimits);
const objects = createObjects(new S3Client(clientLimits), BUCKET);
const told = {
  find: () => objects.find(toldKey),
  put: (bytes: Uint8Array) => objects.put(toldKey, bytes, 'application/json'),
};

/** One commit with all new posts of a run; where there are none, whether the last one was told. */
export async function handler(event: unknown): Promise<Saved | Untold> {
  const asked = saveInput.parse(event);
  if ('toldSha' in asked) {
    await noteTold(asked.toldSha, told);
    return {};
  }
  const github = createGitHubContents({
    ...{ endpoint: GITHUB_API, repo: GITHUB_REPO, path: JSON_FILE, largestBytes: largestContentBytes },
    ...{ token: readToken(ssm, TOKEN_PARAMETER), now: Date.now, sleep: (ms) => sleep(ms) },
    untilMs: Date.now() + githubLimitMs,
  });
  if ('contentSha' in asked) return untoldCommit(asked.contentSha, github, told);
  try {
    const saved = await saveContent(asked.items, github);
    metrics.addMetric('PostsCommitted', MetricUnit.Count, saved.added);
    logger.info('content file written', { commitSha: saved.commitSha, added: saved.added });
    return saved;
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
