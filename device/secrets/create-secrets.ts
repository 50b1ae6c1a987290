import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Ipc } from '../greengrass/ipc.ts';
import { notUnderGreengrass } from '../greengrass/ipc-client.ts';
import type { Time } from '../platform/time.ts';
import type { Secrets } from './secrets.ts';

/** File of the secret, where configuration names none. */
export function secretFile(config: Config['secrets'], dataDir: string): string {
  return config.file === '' ? join(dataDir, 'greengrass-snow-creds.json') : config.file;
}

export interface CreateSecretsDeps {
  dataDir: string;
  time: Time;
  /** The nucleus, for a process that one started. */
  ipc?: Ipc;
}

/**
 * Credentials from where configuration says; only the adapter of that kind is loaded.
 * @throws AppError `not-under-greengrass`
 */
export async function createSecrets(config: Config['secrets'], deps: CreateSecretsDeps): Promise<Secrets> {
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
    case 'greengrass': {
      if (deps.ipc === undefined) throw notUnderGreengrass('secrets.kind greengrass');
      const { greengrassSecrets } = await import('./greengrass.ts');
      return greengrassSecrets({ name: config.name, ipc: deps.ipc });
    }
  }
}
