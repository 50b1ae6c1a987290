import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import type { Fetched, SecretFailure } from './secret-cache.ts';

/** Two attempts of so long, ms, fit into the ten seconds that Lambda gives all of an environment's start. */
const limitMs = 3_000;

/** A client whose calls end in time. */
export function createSecretsClient(config: SecretsManagerClientConfig = {}): SecretsManagerClient {
  return new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: limitMs, throwOnRequestTimeout: true },
    ...config,
  });
}

const reasons: Readonly<Record<string, SecretFailure>> = {
  ResourceNotFoundException: 'not-found',
  InvalidRequestException: 'not-found',
  AccessDeniedException: 'denied',
  DecryptionFailure: 'denied',
  ThrottlingException: 'throttled',
};

/** The text of a secret. Says of a failure what the caller can act on, and nothing that the service wrote. */
export async function fetchSecret(client: Pick<SecretsManagerClient, 'send'>, id: string): Promise<Fetched> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: id }));
    return SecretString === undefined ? { ok: false, reason: 'not-text' } : { ok: true, value: SecretString };
  } catch (error) {
    return { ok: false, reason: (error instanceof Error ? reasons[error.name] : undefined) ?? 'unavailable' };
  }
}
