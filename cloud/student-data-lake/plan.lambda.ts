import { setTimeout as sleep } from 'node:timers/promises';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createObjects } from '../shared/lake/objects.aws.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { allowedColumns } from './allowed-columns.ts';
import { createCanvasSource } from './canvas-source.ts';
import { readCredentials } from './credentials.aws.ts';
import { listKeys } from './keys.aws.ts';
import { planPull } from './plan.ts';
import { createTables } from './tables.aws.ts';

const environment = readEnvironment(
  z.object({ BUCKET: z.string(), DATABASE: z.string(), CANVAS_ENDPOINT: z.url(), SECRET_ID: z.string() }),
);
const { BUCKET, DATABASE, CANVAS_ENDPOINT, SECRET_ID } = environment;
const { logger } = createTelemetry();
const s3 = new S3Client();
const objects = createObjects(s3, BUCKET);
const tables = createTables({
  ...{ glue: new GlueClient(), databaseName: DATABASE, location: `s3://${BUCKET}/raw_files/` },
});
const source = createCanvasSource({
  endpoint: CANVAS_ENDPOINT,
  credentials: readCredentials(new SecretsManagerClient(), SECRET_ID),
  now: Date.now,
  sleep: (ms) => sleep(ms),
  random: Math.random,
});
const input = z.object({ execution: z.string().regex(/^[\w-]{1,80}$/) });

/** What the pull has to do, written down as a manifest: the plan, and beside it the items of the map. */
export async function handler(event: unknown): Promise<{ planKey: string; filesKey: string }> {
  const { execution } = input.parse(event);
  const { plan, files } = planPull({
    list: await source.listFiles(),
    schema: await source.schema(),
    allowed: allowedColumns,
    present: await listKeys(s3, BUCKET, 'raw_files/'),
    catalogue: await tables.read(Object.keys(allowedColumns)),
  });
  const planKey = `manifests/${execution}/plan.json`;
  const filesKey = `manifests/${execution}/files.json`;
  await objects.put(planKey, Buffer.from(JSON.stringify(plan)), 'application/json');
  await objects.put(filesKey, Buffer.from(JSON.stringify(files)), 'application/json');
  const { fetch, skipped, obsolete, refused } = plan;
  logger.info('pull planned', { fetch: fetch.length, skipped, obsolete: obsolete.length, refused });
  return { planKey, filesKey };
}
