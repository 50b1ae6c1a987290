import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { unzipRequest } from './contract.ts';
import { createUnzipCache } from './unzip-cache.ts';

const environment = readEnvironment(
  z.object({
    UPLOADS_BUCKET: z.string(),
    MAX_ARCHIVE_BYTES: z.coerce.number(),
    MAX_UNZIPPED_BYTES: z.coerce.number(),
    MAX_ENTRIES: z.coerce.number(),
    KEPT_BYTES: z.coerce.number(),
  }),
);
const s3 = new S3Client({
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
});
const { logger } = createTelemetry();
// `/tmp` of this environment, which no other has. Outside of Lambda several may share it.
const cache = createUnzipCache({
  folder: join(tmpdir(), `unzipped-${randomUUID()}`),
  limits: { entries: environment.MAX_ENTRIES, totalBytes: environment.MAX_UNZIPPED_BYTES },
  keptBytes: environment.KEPT_BYTES,
});

/** Unpacks an archive into `/tmp`, once while the environment is warm, and tells its files with their SHA-256. */
export async function handler(event: unknown) {
  const { key } = unzipRequest.parse(event);
  const object = { Bucket: environment.UPLOADS_BUCKET, Key: key };
  const head = await s3.send(new HeadObjectCommand(object)).catch((error: unknown) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
  if (head === undefined) return { ok: false, reason: 'NO_ARCHIVE', detail: `${key} is not there. Upload it first.` };
  const { ContentLength: bytes = 0, ETag: version = '' } = head;
  if (bytes > environment.MAX_ARCHIVE_BYTES) {
    const detail = `${bytes} bytes; at most ${environment.MAX_ARCHIVE_BYTES} are taken.`;
    return { ok: false, reason: 'ARCHIVE_TOO_LARGE', detail };
  }
  const unzipped = await cache.unzip(key, version, async (path) => {
    // The object that was looked at, and no other; so its size is known as well.
    const { Body } = await s3.send(new GetObjectCommand({ ...object, IfMatch: version }));
    if (Body === undefined) throw new Error(`S3 answered ${key} without a body.`);
    await pipeline(Body.transformToWebStream(), createWriteStream(path, { flags: 'wx' }));
  });
  logger.info('archive taken', { key, ok: unzipped.ok, reused: unzipped.ok && unzipped.reused });
  if (!unzipped.ok) return unzipped;
  const { folder, files, reused, removed } = unzipped;
  const told = [];
  // An answer has an end: 6 MB on AWS.
  for (const { name, bytes: size } of files.slice(0, 1_000)) {
    const sha256 = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
    told.push({ name, bytes: size, sha256 });
  }
  return { ok: true, reused, removed, files: told };
}
