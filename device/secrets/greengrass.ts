import { createHmac, randomBytes } from 'node:crypto';
import type { Ipc, IpcFailure } from '../greengrass/ipc.ts';
import { cached } from './cached.ts';
import { parseSecret } from './parse-secret.ts';
import type { SecretResult, Secrets } from './secrets.ts';

/** Bound of one reading: the nucleus may ask the cloud anew. */
const timeoutMs = 15_000;

/**
 * Credentials from the nucleus's secret manager (`aws.greengrass.SecretManager`), which keeps an encrypted copy for as
 * long as the core is offline. A refresh asks the cloud through it, and gives the copy where that cannot be reached.
 */
export function greengrassSecrets({ name, ipc }: { name: string; ipc: Ipc }): Secrets {
  // A copy may be put in place of another with the same version id while the core is offline; the value says more, and
  // with a key of its own the digest tells nothing of it.
  const versionKey = randomBytes(32);

  return cached('greengrass', async (refresh) => {
    const result = await ipc.call('GetSecretValue', { secretId: name, ...(refresh ? { refresh } : {}) }, { timeoutMs });
    if (!result.ok) return failure(name, result);
    const { text, versionId } = result.response;
    if (text === undefined) {
      return {
        ok: false,
        reason: 'malformed',
        message: `Secret ${name} holds bytes; store it as text (SecretString).`,
      };
    }
    const parsed = parseSecret(text, `Secret ${name}`);
    if (!parsed.ok) return parsed;
    const digest = createHmac('sha256', versionKey).update(text).digest('hex').slice(0, 16);
    return { ok: true, credentials: parsed.credentials, version: `${versionId}-${digest}` };
  });
}

function failure(name: string, { reason, message }: IpcFailure): Extract<SecretResult, { ok: false }> {
  switch (reason) {
    case 'not-found':
      return {
        ok: false,
        reason: 'not-found',
        message: `The nucleus has no secret ${name}. Put its ARN into cloudSecrets of aws.greengrass.SecretManager by a deployment, let the token exchange role read it (secretsmanager:GetSecretValue), and set secrets.name.`,
      };
    case 'unauthorized':
      return { ok: false, reason: 'not-allowed', message: `Secret ${name} may not be read: ${message}` };
    case 'unsupported':
      return {
        ok: false,
        reason: 'not-allowed',
        message: `Nucleus Lite has no secret manager, so it cannot give ${name}. Run the handler on the classic nucleus, or set secrets.kind to file or secrets-manager.`,
      };
    default:
      return { ok: false, reason: 'unreachable', message: `The nucleus gave no secret ${name}: ${message}` };
  }
}
