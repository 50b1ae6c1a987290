import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { createAppendLog, readDay } from './append-log.ts';
import { logRequest } from './contract.ts';

const environment = readEnvironment(
  z.object({ LOG_FOLDER: z.string().startsWith('/'), KEPT_DAYS: z.coerce.number().int().min(1) }),
);
const { logger } = createTelemetry();
const log = createAppendLog({
  folder: environment.LOG_FOLDER,
  // One for each environment, which serves one call at a time.
  writer: randomUUID().replaceAll('-', ''),
  partBytes: 16_000_000,
  keptDays: environment.KEPT_DAYS,
  now: Date.now,
});

/** Appends to the log on the file system that all environments share, or reads a day of it. */
export async function handler(event: unknown) {
  const asked = logRequest.parse(event);
  if (asked.do === 'read') return readDay(environment.LOG_FOLDER, asked.day, asked);
  await log.append(asked.entries);
  logger.info('entries appended', { entries: asked.entries.length });
  return { appended: asked.entries.length };
}
