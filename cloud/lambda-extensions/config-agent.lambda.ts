import { basename } from 'node:path';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { z } from 'zod';
import { readEnvironment } from '../shared/environment.ts';
import { serveConfigurations } from './config-agent-server.ts';
import { createConfigurationCache } from './configuration-cache.ts';
import { createConfigurationSource } from './configuration-source.aws.ts';
import { agentPort } from './contract.ts';
import { logAs } from './extension-log.ts';
import { createExtensionsApi } from './extensions-api.ts';
import { runExtension } from './run-extension.ts';

const environmentSchema = z.object({
  AWS_LAMBDA_RUNTIME_API: z.string(),
  AWS_APPCONFIG_EXTENSION_HTTP_PORT: agentPort,
  AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS: z.coerce.number().int().min(1).max(86_400).default(45),
});

/**
 * External extension: answers functions on port 2772 as AWS's own AppConfig agent does, for an account that cannot have
 * AWS's layer. It asks AppConfig when it is asked itself, for what is frozen between two invocations has no timers.
 */
async function main(): Promise<0 | 1> {
  const name = basename(process.argv[1] ?? 'config-agent');
  const log = logAs(name);
  try {
    const environment = readEnvironment(environmentSchema);
    const client = new AppConfigDataClient({
      maxAttempts: 1,
      // Both calls of a first answer take less than the five seconds that a function waits for it.
      requestHandler: { connectionTimeout: 500, requestTimeout: 1_500, throwOnRequestTimeout: true },
    });
    const cache = createConfigurationCache(
      { intervalMs: environment.AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS * 1_000 },
      { source: createConfigurationSource(client), now: () => Date.now() },
    );
    const server = await serveConfigurations(cache, environment.AWS_APPCONFIG_EXTENSION_HTTP_PORT);
    return await runExtension(createExtensionsApi(environment.AWS_LAMBDA_RUNTIME_API, name), {
      init: async () => ({ ok: true }),
      shutdown: async () => {
        server.closeAllConnections();
        server.close();
      },
    });
  } catch (error) {
    log('warn', 'cannot start', { error: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}

void main().then((code) => process.exit(code));
