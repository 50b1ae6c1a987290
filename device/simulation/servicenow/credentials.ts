import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, codeOf, messageOf } from '../../platform/errors.ts';

/** Everything that opens the local instance. */
export interface Credentials {
  username: string;
  password: string;
  clientId: string;
  clientSecret: string;
  apiKey: string;
  /** Bearer token of `/admin`. */
  adminToken: string;
}

const stored = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  clientId: z.string(),
  clientSecret: z.string(),
  apiKey: z.string(),
  adminToken: z.string(),
});

const secret = () => randomBytes(18).toString('base64url');

/**
 * Credentials of an instance. What is not given is made, once for each data directory, and kept in its
 * `credentials.json` (mode 0600); a password that was given is not kept there.
 * @throws AppError `credentials-unusable` for a file that cannot be read or is not what was written.
 */
export function loadCredentials(
  dataDir: string,
  given: { username: string; password: string | undefined },
): Credentials {
  const file = join(dataDir, 'credentials.json');
  const found = dataDir === ':memory:' ? undefined : read(file);
  const kept = found ?? { clientId: secret(), clientSecret: secret(), apiKey: secret(), adminToken: secret() };
  const password = given.password ?? found?.password ?? secret();
  const { clientId, clientSecret, apiKey, adminToken } = kept;
  const credentials = { username: given.username, password, clientId, clientSecret, apiKey, adminToken };
  if (dataDir !== ':memory:') {
    const keptPassword = given.password === undefined ? { password } : {};
    write(dataDir, file, { username: given.username, ...keptPassword, clientId, clientSecret, apiKey, adminToken });
  }
  return credentials;
}

function read(file: string): z.infer<typeof stored> | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(file, messageOf(error));
  }
  try {
    return stored.parse(JSON.parse(content));
  } catch {
    // What the parser says may quote the content.
    throw unusable(file, 'it is not the JSON that this program writes');
  }
}

function write(dataDir: string, file: string, value: z.infer<typeof stored>): void {
  const part = `${file}.new`;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(part, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(part, 0o600);
    renameSync(part, file);
  } catch (error) {
    throw unusable(file, messageOf(error));
  }
}

function unusable(file: string, why: string): AppError {
  return new AppError(
    'credentials-unusable',
    `Cannot use the local ServiceNow's credentials file ${file}: ${why}. Make it readable and writable, or remove it to have new ones made.`,
  );
}
