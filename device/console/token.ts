import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, codeOf, messageOf } from '../platform/errors.ts';

/** Name of its file in the handler's data directory. */
export const tokenFileName = 'console-token';

const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

/**
 * The token with which the console may change something: made once for a data directory, and readable by its owner alone.
 * @throws AppError `console-token`
 */
export function consoleToken(dataDir: string): string {
  const path = join(dataDir, tokenFileName);
  const token = existing(path) ?? made(path);
  if (tokenPattern.test(token)) return token;
  throw new AppError(
    'console-token',
    `${path} holds no token of the console. Remove it: the next start makes a new one.`,
  );
}

function existing(path: string): string | undefined {
  try {
    const token = readFileSync(path, 'utf8').trim();
    chmodSync(path, 0o600);
    return token;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unusable(path, error);
  }
}

function made(path: string): string {
  const token = randomBytes(32).toString('base64url');
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): AppError {
  return new AppError(
    'console-token',
    `The console's token ${path} cannot be used: ${messageOf(cause)}. The data directory must belong to the user that runs the handler.`,
    { cause },
  );
}

/** Whether both are the same, in a time that does not tell how much of them is. */
export function isSameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
