import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { fetchedOf, summaryOf } from './conclude.ts';
import { type PullSummary, pullPlan } from './contract.ts';
import { deleteKeys, listKeys } from './keys.aws.ts';
import { createTables } from './tables.aws.ts';

const { BUCKET, DATABASE } = readEnvironment(z.object({ BUCKET: z.string(), DATABASE: z.string() }));
const { logger } = createTelemetry();
const s3 = new S3Client();
const objects = createObjects(s3, BUCKET);
const tables = createTables({
  ...{ glue: new GlueClient(), databaseName: DATABASE, location: `s3://${BUCKET}/raw_files/` },
});
const input = z.object({ planKey: z.string() });

/** Tables as planned; what is obsolete deleted, if all that was to be fetched is there. */
export async function handler(event: unknown): Promise<PullSummary> {
  const { planKey } = input.parse(event);
  const plan = pullPlan.parse(JSON.parse(Buffer.from(await objects.get(planKey)).toString('utf8')));
  const fetched = fetchedOf(plan, await listKeys(s3, BUCKET, 'raw_files/'));
  await tables.apply(plan.tables);
  await deleteKeys(s3, BUCKET, fetched.remove);
  const summary = summaryOf(plan, fetched);
  logger.info('pull concluded', { ...summary, missing_files: summary.missing_files.length });
  return summary;
}
