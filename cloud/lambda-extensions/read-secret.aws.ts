import { existsSync } from 'node:fs';
import { secretsConfig } from './contract.ts';
import { createReadSecret, type ReadSecret } from './read-secret.ts';
import { createSecretFiles } from './secret-files.ts';
import { wantedSecrets } from './secret-list.ts';
import { createSecretsClient, fetchSecret } from './secrets.aws.ts';
import { readSecretsConfig, secretsConfigFile } from './secrets-config.ts';

let read: ((name: string) => Promise<ReadSecret>) | undefined;

/**
 * A secret by its name in the function's `config.yaml`: from the file of the extension secrets-prefetch, else from Secrets
 * Manager, with the function's role.
 * @throws Error that names the secret and says why it cannot be had, or what is wrong with `config.yaml`
 */
export function readSecret(name: string): Promise<ReadSecret> {
  read ??= wire();
  return read(name);
}

function wire(): (name: string) => Promise<ReadSecret> {
  const file = secretsConfigFile(process.env);
  // Without one there is no extension either, and names are those of Secrets Manager.
  const config = existsSync(file) ? readSecretsConfig(file) : secretsConfig.parse({ SecretManagers: [] });
  const client = createSecretsClient();
  const files = createSecretFiles(config.SecretsHome);
  return createReadSecret(wantedSecrets(config), {
    readFile: (one) => files.read(one),
    fetch: (id) => fetchSecret(client, id),
    now: () => Date.now(),
  });
}
