import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockDataDir } from '../../device/platform/data-lock.ts';
import { AppError, codeOf, messageOf } from '../../device/platform/errors.ts';
import { makeFolder } from './make-folder.ts';

/** Makes a folder of the data folder, or itself. @throws AppError `data-folder` */
export function makeDataFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new AppError(
      'data-folder',
      `Cannot make the data folder ${folder}: ${messageOf(error)}. Choose another with --data-dir.`,
      { cause: error },
    );
  }
}

/** Says that a data folder is this program's, and that what bears the names below may be removed from it. */
const markerFile = '.greengrass-itsm';
const markerText = 'State of npm start of greengrass-itsm. --reset empties this folder.\n';

/**
 * Makes the data folder, or takes an empty one, and marks it as this program's. A folder that holds anything else is
 * somebody else's, and nothing is written to it or removed from it.
 * @throws AppError `foreign-folder`, `data-folder`
 */
export function claimDataDir(dataDir: string): void {
  makeDataFolder(dataDir);
  const marker = join(dataDir, markerFile);
  try {
    if (existsSync(marker)) return;
    if (readdirSync(dataDir).every((name) => isOwn(join(dataDir, name)))) {
      writeFileSync(marker, markerText, { mode: 0o600 });
      return;
    }
  } catch (error) {
    throw new AppError(
      'data-folder',
      `Cannot use the data folder ${dataDir}: ${messageOf(error)}. Choose another with --data-dir.`,
      { cause: error },
    );
  }
  throw new AppError(
    'foreign-folder',
    `${dataDir} is not empty and was not made by npm start (it has no ${markerFile}), so nothing in it is touched. Choose another folder, a new or an empty one, with --data-dir.`,
  );
}

/** Folders that this program makes inside a data folder without claiming that: of a replay, and of `npm run servicenow`. */
function isOwn(path: string): boolean {
  return [markerFile, 'servicenow.db'].some((name) => existsSync(join(path, name)));
}

/**
 * Keeps other runs out of a claimed data folder, before anything in it is changed.
 * @throws AppError `data-dir-in-use`, `store-unusable`
 */
export function lockForRun(dataDir: string): { release(): void } {
  try {
    return lockDataDir(dataDir, 'simulate');
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'data-dir-in-use') throw error;
    throw new AppError(
      'data-dir-in-use',
      `Another npm start runs with the data folder ${dataDir}. End it, or choose another with --data-dir.`,
      { cause: error },
    );
  }
}

/** What a local run keeps in its data folder, and what `--reset` removes: nothing else is touched. */
const ours = [
  ...['monitor', 'handler', 'servicenow'],
  ...['readings.ndjson', 'audit-settings.json', 'simulate.log'].flatMap((name) => [name, `${name}.1`]),
];

/** Whether an earlier run has left its state there. */
export function isUsedDataDir(dataDir: string): boolean {
  return existsSync(join(dataDir, 'monitor'));
}

/** Empties the data folder of an earlier run, once it is claimed. @throws AppError `foreign-folder`, `data-folder` */
export function resetDataDir(dataDir: string): void {
  claimDataDir(dataDir);
  try {
    for (const name of ours) rmSync(join(dataDir, name), { recursive: true, force: true });
  } catch (error) {
    throw new AppError('data-folder', `Cannot empty ${dataDir} (${codeOf(error) ?? messageOf(error)}).`, {
      cause: error,
    });
  }
}
