import { X509Certificate } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AppError, messageOf } from '../platform/errors.ts';

/** A bundle of all public CAs has a quarter of it. */
const longestFileBytes = 1_048_576;

/**
 * A file that a part of the configuration (`section`) names. A private one that other users can read is not used.
 * @throws AppError `file-unreadable`, `file-exposed`, `options-invalid` (too long)
 */
export async function readTextFile(section: string, path: string, access?: 'private'): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { mode, size } = await file.stat();
    if (access === 'private') refuseExposed(section, path, mode);
    if (size > longestFileBytes) {
      const problem = `${path} has ${size} bytes; at most ${longestFileBytes} are read`;
      throw new AppError('options-invalid', `${section}: ${problem}.`);
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('file-unreadable', `${section}: cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  } finally {
    await file?.close();
  }
}

/** @throws AppError `certificate-invalid` where the file of an authority holds no certificate. */
export function checkAuthority(section: string, { ca, caFile }: { ca: string; caFile: string | undefined }): void {
  usable(section, `caFile ${caFile} holds no certificate (PEM)`, () => new X509Certificate(ca));
}

/** @throws AppError `certificate-invalid` where certificate and key are none, or not of each other. */
export function checkPair(
  section: string,
  { cert, key, ...files }: { cert: string; key: string; certFile: string | undefined; keyFile: string | undefined },
): void {
  const problem = `certFile ${files.certFile} and keyFile ${files.keyFile} cannot be used`;
  usable(section, problem, () => createSecureContext({ cert, key }));
}

/** Finds out before a client does, which would fail in the middle of a connection. */
function usable(section: string, problem: string, attempt: () => unknown): void {
  try {
    attempt();
  } catch (error) {
    throw new AppError('certificate-invalid', `${section}: ${problem}: ${tlsReason(error)}.`, { cause: error });
  }
}

/** OpenSSL's own words where there are some: its whole message names source lines, and ends in a line break. */
export function tlsReason(error: unknown): string {
  const named = typeof error === 'object' && error !== null && 'reason' in error ? error.reason : undefined;
  return typeof named === 'string' ? named : messageOf(error).trim();
}

/** Windows keeps no such mode. */
function refuseExposed(section: string, path: string, mode: number): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  throw new AppError(
    'file-exposed',
    `${section}: ${path} is open to other users (mode ${octal}), so it is not used; run: chmod 600 ${path}`,
  );
}
