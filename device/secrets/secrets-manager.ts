import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Time } from '../platform/time.ts';
import { cached } from './cached.ts';
import { parseSecret } from './parse-secret.ts';
import type { SecretResult, Secrets } from './secrets.ts';

export interface SecretsManagerOptions {
  /** Name or ARN. */
  name: string;
  region: string | undefined;
  endpoint: string | undefined;
  time: Time;
}

/** Bound of one reading with all its attempts, looking for AWS credentials included. */
const timeoutMs = 15_000;
const attempts = 3;

/** Credentials in AWS Secrets Manager; its version id is their version. */
export function secretsManagerSecrets({ name, region, endpoint, time }: SecretsManagerOptions): Secrets {
  let client: Promise<SecretsManagerClient> | undefined;

  async function connect(): Promise<SecretsManagerClient> {
    // What the SDK says of coming Node versions is nothing that an operator of a device can act on.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const sdk = await import('@aws-sdk/client-secrets-manager');
    return new sdk.SecretsManagerClient({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: attempts,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
    });
  }

  async function read(signal: AbortSignal): Promise<SecretResult> {
    try {
      client ??= connect();
      const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
      const answer = await (await client).send(new GetSecretValueCommand({ SecretId: name }), { abortSignal: signal });
      if (answer.SecretString === undefined || answer.VersionId === undefined) {
        return {
          ok: false,
          reason: 'malformed',
          message: `Secret ${name} holds bytes; store it as text (SecretString).`,
        };
      }
      const parsed = parseSecret(answer.SecretString, `Secret ${name}`);
      return parsed.ok ? { ok: true, credentials: parsed.credentials, version: answer.VersionId } : parsed;
    } catch (error) {
      return failure(name, error);
    }
  }

  return cached('secrets-manager', async () => {
    const abort = new AbortController();
    let settle: (result: SecretResult) => void = () => {};
    const late = new Promise<SecretResult>((resolve) => {
      settle = resolve;
    });
    const timer = time.after(timeoutMs, () => {
      abort.abort();
      settle({
        ok: false,
        reason: 'unreachable',
        message: `AWS Secrets Manager gave no answer for ${name} within ${timeoutMs / 1_000} s.`,
      });
    });
    try {
      return await Promise.race([read(abort.signal), late]);
    } finally {
      timer.cancel();
    }
  });
}

/**
 * By the name of the service's error alone: what it says may quote the request, session token and all.
 * Names: AWS Secrets Manager API Reference, GetSecretValue and Common Errors.
 */
function failure(name: string, error: unknown): Extract<SecretResult, { ok: false }> {
  const kind = error instanceof Error ? error.name : 'unknown error';
  switch (kind) {
    case 'ResourceNotFoundException':
      return {
        ok: false,
        reason: 'not-found',
        message: `There is no secret ${name} in this account and region. Create it, or set secrets.name and secrets.region.`,
      };
    case 'InvalidRequestException':
      return {
        ok: false,
        reason: 'not-found',
        message: `Secret ${name} has no current value, or is to be deleted (${kind}). Restore it or give it a value.`,
      };
    case 'AccessDeniedException':
    case 'DecryptionFailure':
      return {
        ok: false,
        reason: 'not-allowed',
        message: `Secret ${name} may not be read (${kind}). Allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key.`,
      };
    case 'CredentialsProviderError':
    case 'UnrecognizedClientException':
    case 'InvalidSignatureException':
    case 'ExpiredTokenException':
    case 'InvalidClientTokenId':
    case 'SignatureDoesNotMatch':
    case 'IncompleteSignatureException':
    case 'MissingAuthenticationTokenException':
    case 'OptInRequired':
      return {
        ok: false,
        reason: 'not-allowed',
        message: `AWS does not accept this device's credentials for secret ${name} (${kind}). Check them, and the clock.`,
      };
    case 'InvalidParameterException':
    case 'ValidationException':
      return {
        ok: false,
        reason: 'not-found',
        message: `${JSON.stringify(name)} is no name of a secret (${kind}). Set secrets.name.`,
      };
    default:
      if (error instanceof Error && error.message === 'Region is missing') {
        return {
          ok: false,
          reason: 'not-allowed',
          message: 'No AWS region is set. Set secrets.region, or AWS_REGION.',
        };
      }
      return {
        ok: false,
        reason: 'unreachable',
        message: `AWS Secrets Manager cannot be reached for ${name} (${kind}).`,
      };
  }
}
