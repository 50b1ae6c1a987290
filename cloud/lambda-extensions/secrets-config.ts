import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type SecretsConfig, secretsConfig } from './contract.ts';

/** Of a file that lists names. */
const largestFile = 64 * 1024;

/** Where a function's configuration lies: beside its code. */
export function secretsConfigFile(environment: Record<string, string | undefined>): string {
  return environment['SECRETS_CONFIG'] ?? join(environment['LAMBDA_TASK_ROOT'] ?? '/var/task', 'config.yaml');
}

/**
 * Reads which secrets are wanted.
 * @throws Error that says what is wrong with the file
 */
export function readSecretsConfig(file: string): SecretsConfig {
  const text = readFileSync(file, 'utf8');
  if (text.length > largestFile) throw new Error(`${file} is larger than ${largestFile} bytes.`);
  const parsed = secretsConfig.safeParse(parse(text, { maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  throw new Error(`${file} is not as it should be: ${z.prettifyError(parsed.error)}`);
}
