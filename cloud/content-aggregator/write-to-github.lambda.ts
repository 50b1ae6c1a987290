import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { SSMClient } from '@aws-sdk/client-ssm';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { clientLimits } from './client-limits.ts';
import { type Saved, saveInput } from './contract.ts';
import { createGitHubContents, githubLimitMs } from './github-contents.ts';
import { readToken } from './github-token.aws.ts';
import { largestContentBytes, saveContent } from './save-content.ts';

const environment = readEnvironment(
  z.object({ GITHUB_API: z.url(), GITHUB_REPO: z.string(), JSON_FILE: z.string(), TOKEN_PARAMETER: z.string() }),
);
const { GITHUB_API, GITHUB_REPO, JSON_FILE, TOKEN_PARAMETER } = environment;
const { logger, metrics } = createTelemetry();
const ssm = new SSMClient(clientLimits);

/** One commit with all new posts of a run. */
export async function handler(event: unknown): Promise<Saved> {
  const { items } = saveInput.parse(event);
  const github = createGitHubContents({
    ...{ endpoint: GITHUB_API, repo: GITHUB_REPO, path: JSON_FILE, largestBytes: largestContentBytes },
    ...{ token: readToken(ssm, TOKEN_PARAMETER), now: Date.now, sleep: (ms) => sleep(ms) },
    untilMs: Date.now() + githubLimitMs,
  });
  try {
    const saved = await saveContent(items, github);
    metrics.addMetric('PostsCommitted', MetricUnit.Count, saved.added);
    logger.info('content file written', { commitSha: saved.commitSha, added: saved.added });
    return saved;
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}
