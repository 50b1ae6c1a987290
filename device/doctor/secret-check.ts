import type { Config } from '../config/schema.ts';
import { AppError } from '../platform/errors.ts';
import type { SecretResult, Secrets, ServiceNowCredentials } from '../secrets/secrets.ts';
import { type Check, type Finding, fail, ok } from './check.ts';
import { asComponent } from './core-checks.ts';
import { shellWord } from './disk-checks.ts';

export interface SecretCheckDeps {
  config: Config['secrets'];
  /** File of kind `file`. */
  file: string;
  secrets: () => Promise<Secrets>;
  needs?: readonly string[];
}

/** Whether the credentials can be read, are well-formed, and are nobody else's to read. Their values are never told. */
export function secretCheck({ config, file, secrets, needs = [] }: SecretCheckDeps): Check {
  const place = config.kind === 'file' ? file : `${config.kind} ${config.name}`;
  async function read(): Promise<Finding> {
    try {
      const secret = await (await secrets()).get();
      if (!secret.ok) return fail(secret.message, advice(secret.reason, config, file));
      return ok(`${place}${config.kind === 'file' ? ', private' : ''}, holds ${kindOf(secret.credentials)}`);
    } catch (error) {
      if (error instanceof AppError) {
        const todo = error.reason === 'not-under-greengrass' ? asComponent : 'Correct secrets.* in the configuration.';
        return fail(error.message, todo);
      }
      throw error;
    }
  }
  return { name: 'secret', topic: 'ServiceNow', needs, run: read };
}

function kindOf(credentials: ServiceNowCredentials): string {
  const hasUser = credentials.username !== undefined && credentials.password !== undefined;
  if (!('clientId' in credentials)) return 'a user name and a password';
  return hasUser ? 'an OAuth client, a user name and a password' : 'an OAuth client';
}

function advice(
  reason: Extract<SecretResult, { ok: false }>['reason'],
  { kind, name }: Config['secrets'],
  file: string,
): string {
  const word = shellWord(file);
  // Typed into a command the password would stay in the shell's history.
  const write = `install -D -m 600 /dev/stdin ${word}, then type {"username":"…","password":"…"} and Ctrl-D`;
  if (kind === 'greengrass') {
    return 'On the workstation run npm run provision -- create again: it deploys the secret and the right to read it.';
  }
  if (kind !== 'file') return `aws secretsmanager get-secret-value --secret-id ${shellWord(name)} --query ARN`;
  switch (reason) {
    case 'not-found':
      return `${write} (npm start makes one for the local ServiceNow)`;
    case 'not-allowed':
      return `chmod 600 ${word}, as the user who runs this`;
    case 'malformed':
      return `Write it anew: ${write}`;
    case 'unreachable':
      return `ls -l ${word}`;
  }
}
