import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { Time } from '../platform/time.ts';
import type { Secrets } from './secrets.ts';

/** File of the secret, where configuration names none. */
export function secretFile(config: Config['secrets'], dataDir: string): string {
  return config.file === '' ? join(dataDir, 'greengrass-snow-creds.json') : config.file;
}

/**
 * Credentials from where configuration says; only the adapter of that kind is loaded.
 * @throws AppError `unknown-kind`
 */
export async function createSecrets(
  config: Config['secrets'],
  deps: { dataDir: string; time: Time },
): Promise<Secrets> {
  switch (config.kind) {
    case 'file': {
      const { fileSecrets } = await import('./file.ts');
      return fileSecrets(secretFile(config, deps.dataDir));
    }
    case 'secrets-manager': {
      const { secretsManagerSecrets } = await import('./secrets-manager.ts');
      const { name, region, endpoint } = config;
      return secretsManagerSecrets({ name, region, endpoint, time: deps.time });
    }
    case 'greengrass':
      throw new AppError(
        'unknown-kind',
        'secrets.kind greengrass is not available in this release. Use file or secrets-manager.',
      );
  }
}
