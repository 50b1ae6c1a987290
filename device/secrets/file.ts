import { createHmac, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, codeOf, messageOf } from '../platform/errors.ts';
import { cached } from './cached.ts';
import { parseSecret } from './parse-secret.ts';
import type { SecretResult, Secrets, ServiceNowCredentials } from './secrets.ts';

const longestFileBytes = 65_536;
const rightsOfOthers = 0o077;

/** Credentials in a JSON file that its owner alone may read. */
export function fileSecrets(path: string): Secrets {
  // The digest tells versions apart within this process; with a key of its own it says nothing of the value.
  const versionKey = randomBytes(32);
  return cached('file', async () => {
    const content = await readPrivate(path);
    if (!content.ok) return content;
    const parsed = parseSecret(content.text, path);
    if (!parsed.ok) return parsed;
    const version = createHmac('sha256', versionKey).update(content.text).digest('hex').slice(0, 16);
    return { ok: true, credentials: parsed.credentials, version };
  });
}

async function readPrivate(path: string): Promise<{ ok: true; text: string } | Extract<SecretResult, { ok: false }>> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if (process.platform !== 'win32' && (mode & rightsOfOthers) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      const message = `${path} is open to other users (mode ${octal}), so its credentials are not used. Run: chmod 600 ${path}, and change the password if others may have read it.`;
      return { ok: false, reason: 'not-allowed', message };
    }
    if (size > longestFileBytes) {
      return {
        ok: false,
        reason: 'malformed',
        message: `${path} has ${size} bytes; a secret has at most ${longestFileBytes}.`,
      };
    }
    return { ok: true, text: await file.readFile('utf8') };
  } catch (error) {
    return unreadable(path, error);
  } finally {
    await file?.close();
  }
}

function unreadable(path: string, error: unknown): Extract<SecretResult, { ok: false }> {
  const code = codeOf(error);
  switch (code) {
    case 'ENOENT':
      return {
        ok: false,
        reason: 'not-found',
        message: `There is no file ${path}. Make it (mode 0600), or set secrets.file.`,
      };
    case 'EACCES':
    case 'EPERM':
      return {
        ok: false,
        reason: 'not-allowed',
        message: `${path} may not be read (${code}). It must belong to the user that runs this program.`,
      };
    case 'EISDIR':
      return { ok: false, reason: 'malformed', message: `${path} is a folder; secrets.file must name a file.` };
    default:
      return { ok: false, reason: 'unreachable', message: `${path} cannot be read (${code ?? messageOf(error)}).` };
  }
}

/**
 * Writes a secret file (mode 0600) unless there is one; whole or not at all.
 * @throws AppError `secret-not-written`
 */
export async function createSecretFileIfMissing(
  path: string,
  credentials: ServiceNowCredentials,
): Promise<'created' | 'exists'> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const part = `${path}.${randomBytes(6).toString('hex')}.new`;
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(credentials, undefined, 2)}\n`);
      await file.sync();
      return await linkIfMissing(part, path);
    } finally {
      await file.close();
      await rm(part);
    }
  } catch (error) {
    throw new AppError(
      'secret-not-written',
      `Cannot write the secret file ${path}: ${messageOf(error)}. Make its folder writable, or choose another with secrets.file.`,
      { cause: error },
    );
  }
}

/** A rename would take the place of a file that another process has just made; a link does not. */
async function linkIfMissing(part: string, path: string): Promise<'created' | 'exists'> {
  try {
    await link(part, path);
    return 'created';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'exists';
    throw error;
  }
}
