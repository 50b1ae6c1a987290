import password from '@inquirer/password';
import { AppError } from '../../device/platform/errors.ts';
import { fileSecrets } from '../../device/secrets/file.ts';

export interface SecretSource {
  file?: string;
  user?: string;
  /** Whether somebody can be asked. */
  interactive: boolean;
  /** Default: that of the process. */
  terminal?: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream };
}

/**
 * The value of the secret, as JSON: from a file that its owner alone may read, or asked for without echo. It is never an
 * option or a variable: those are seen by other processes and kept in histories.
 * @throws AppError `no-secret`
 */
export async function readSecretValue({ file, user, interactive, terminal }: SecretSource): Promise<string> {
  if (file !== undefined) {
    const found = await fileSecrets(file).get();
    if (!found.ok) throw new AppError('no-secret', found.message);
    return JSON.stringify(found.credentials);
  }
  if (user === undefined || !interactive) {
    throw new AppError(
      'no-secret',
      'The secret has no value yet. Give --snow-user NAME and type its password when asked (in a terminal), or --secret-file FILE with {"username": …, "password": …}, mode 0600.',
    );
  }
  const typed = await password({ message: `Password of ${user} at ServiceNow:`, mask: false }, terminal);
  if (typed === '') throw new AppError('no-secret', 'The password is empty; nothing was changed.');
  return JSON.stringify({ username: user, password: typed });
}
