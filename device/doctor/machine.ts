import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { userInfo } from 'node:os';

/** What is asked of the machine; another root and other facts in tests. */
export interface Machine {
  root: string;
  platform: string;
  /** As `process.arch`. */
  arch: string;
  /** `v20.19.0`. */
  nodeVersion: string;
  user: { name: string; uid: number; gids: readonly number[] };
  /** Whether the user may read and write a file. */
  mayUse: (path: string) => Promise<boolean>;
}

export function thisMachine(): Machine {
  const { username, uid } = userInfo();
  return {
    root: '/',
    platform: process.platform,
    arch: process.arch,
    nodeVersion: process.version,
    user: { name: username, uid, gids: process.getgroups?.() ?? [] },
    mayUse: (path) =>
      access(path, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
  };
}
