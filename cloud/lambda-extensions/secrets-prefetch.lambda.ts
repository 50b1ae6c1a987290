import { basename } from 'node:path';
import { logAs } from './extension-log.ts';
import { createExtensionsApi } from './extensions-api.ts';
import { runExtension } from './run-extension.ts';
import { createSecretCache } from './secret-cache.ts';
import { createSecretFiles } from './secret-files.ts';
import { wantedSecrets } from './secret-list.ts';
import { createSecretsClient, fetchSecret } from './secrets.aws.ts';
import { readSecretsConfig, secretsConfigFile } from './secrets-config.ts';

/** The environment waits for the extension: so much of a function's time, ms, is left when it waits no longer. */
const reserveMs = 500;

/** External extension: puts a function's secrets into files before the function is loaded, and keeps them fresh. */
async function main(): Promise<0 | 1> {
  const name = basename(process.argv[1] ?? 'secrets-prefetch');
  const log = logAs(name);
  const api = createExtensionsApi(process.env['AWS_LAMBDA_RUNTIME_API'] ?? '', name);
  try {
    const config = readSecretsConfig(secretsConfigFile(process.env));
    const client = createSecretsClient();
    const cache = createSecretCache(
      { secrets: wantedSecrets(config), ttlMs: config.TtlSeconds * 1_000 },
      {
        fetch: (id) => fetchSecret(client, id),
        files: createSecretFiles(config.SecretsHome),
        now: () => Date.now(),
        log,
      },
    );
    return await runExtension(api, {
      async init() {
        const missing = await cache.fill();
        if (missing.length === 0) return { ok: true };
        const names = missing.map((secret) => secret.name).join(', ');
        return { ok: false, errorType: 'Extension.SecretUnavailable', message: `Required, and not there: ${names}` };
      },
      invoke: ({ deadlineMs }) => cache.refresh(deadlineMs - reserveMs - Date.now()),
      async shutdown({ shutdownReason }) {
        cache.wipe();
        log('info', 'secrets wiped', { shutdownReason });
      },
    });
  } catch (error) {
    // What the configuration lacks is told here; the environment sees a process that has ended.
    log('warn', 'cannot start', { error: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}

void main().then((code) => process.exit(code));
