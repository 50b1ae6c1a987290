import { z } from 'zod';
import { createTelemetry } from '../shared/telemetry.aws.ts';
import { readSecret } from './read-secret.aws.ts';
import { createSecretFiles } from './secret-files.ts';
import { wantedSecrets } from './secret-list.ts';
import { readSecretsConfig, secretsConfigFile } from './secrets-config.ts';

const eventSchema = z.object({ name: z.string().min(1).max(512) });
const { logger } = createTelemetry();
const config = readSecretsConfig(secretsConfigFile(process.env));
const files = createSecretFiles(config.SecretsHome);
// While the function is loaded: the extension has put them there before.
const atStart = wantedSecrets(config).filter(({ name }) => files.read(name) !== undefined).length;

/** Says of a secret where it was read and how long it is; the secret itself never leaves the environment. */
export async function handler(
  event: unknown,
): Promise<{ name: string; from: string; length: number; atStart: number }> {
  const { name } = eventSchema.parse(event);
  const { value, from } = await readSecret(name);
  logger.info('secret read', { secret: name, from });
  return { name, from, length: value.length, atStart };
}
