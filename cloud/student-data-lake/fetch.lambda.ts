import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createParking } from '../shared/parking.aws.ts';
import { countParked, createTelemetry } from '../shared/telemetry.aws.ts';
import { createCanvasSource } from './canvas-source.ts';
import { fileToFetch } from './contract.ts';
import { readCredentials } from './credentials.aws.ts';
import { type FetchPorts, fetchFile } from './fetch-file.ts';
import { projectFile } from './project-file.ts';

const environment = readEnvironment(
  z.object({ BUCKET: z.string(), CANVAS_ENDPOINT: z.url(), SECRET_ID: z.string(), PARKING_QUEUE_URL: z.url() }),
);
const { BUCKET, CANVAS_ENDPOINT, SECRET_ID, PARKING_QUEUE_URL } = environment;
const telemetry = createTelemetry();
const s3 = new S3Client();
const source = createCanvasSource({
  endpoint: CANVAS_ENDPOINT,
  credentials: readCredentials(new SecretsManagerClient(), SECRET_ID),
  now: Date.now,
  sleep: (ms) => sleep(ms),
  random: Math.random,
});
const parking = createParking(new SQSClient(), PARKING_QUEUE_URL);

/** One file of the manifest. */
export async function handler(event: unknown): Promise<{ kind: string }> {
  const file = fileToFetch.parse(event);
  const { logger, metrics } = telemetry;
  try {
    const result = await fetchFile(file, { source, parking, scratch: scratchFile(join(tmpdir(), randomUUID())) });
    if (result.kind === 'stored') {
      metrics.addMetric('FilesFetched', MetricUnit.Count, 1);
      metrics.addMetric('BytesFetched', MetricUnit.Bytes, result.bytes);
    }
    if (result.kind === 'parked') countParked(telemetry, [result.record]);
    logger.info('file taken', { key: file.key, kind: result.kind });
    return { kind: result.kind };
  } finally {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  }
}

/** A file of the function's own file system. */
function scratchFile(path: string): FetchPorts['scratch'] {
  return {
    write: ({ body, length }, columns) => projectFile({ body, length, path, ...columns }),
    async store(key) {
      const { size } = await stat(path);
      const Body = createReadStream(path);
      await s3.send(
        new PutObjectCommand({ Bucket: BUCKET, Key: key, Body, ContentLength: size, ContentType: 'application/gzip' }),
      );
    },
    remove: () => rm(path, { force: true }),
  };
}
