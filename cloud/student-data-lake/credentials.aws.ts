import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Credentials, credentialsSchema } from './contract.ts';

/** Credentials of Canvas as they are now, so that a new version counts at once. Never says what they are. */
export function readCredentials(secrets: Pick<SecretsManagerClient, 'send'>, secretId: string) {
  return async (): Promise<Credentials> => {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: secretId }));
    const parsed = credentialsSchema.safeParse(parseJson(SecretString));
    if (parsed.success) return parsed.data;
    throw new Error(`The secret ${secretId} has neither {api_key, api_secret} nor {token}: write one of them into it.`);
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
