import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { openContentRepository } from './content-repository.aws.ts';
import { type Saved, saveInput, toldKey, type Untold } from './contract.ts';
import { saveContent } from './save-content.ts';
import { noteTold, untoldCommit } from './told-commit.ts';

const { objects, connect } = openContentRepository();
const { logger, metrics } = createTelemetry();
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
  const github = connect();
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
