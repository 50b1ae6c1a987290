import { createTelemetry } from '../shared/telemetry.aws.ts';
import { knownKeys, parseContent } from './content-file.ts';
import { openContentRepository } from './content-repository.aws.ts';
import type { RepoContents } from './contract.ts';

const { objects, connect } = openContentRepository();
const { logger } = createTelemetry();

/** What the content file has, put where each post is compared with it: it may be larger than a state may be. */
export async function handler(): Promise<RepoContents> {
  const file = await connect().read();
  const keys = [...knownKeys(parseContent(file?.text))];
  const sha = file?.sha ?? 'none';
  // Named by what it is made of: a run that is tried again puts the same.
  const knownKey = `known/${sha}.json`;
  await objects.put(knownKey, Buffer.from(JSON.stringify(keys)), 'application/json');
  logger.info('content file read', { sha, entries: keys.length });
  return { sha, knownKey };
}
