import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchTarballs, readTarball } from './tarball.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tarball-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A fetched package, and what a lock file says of it. */
async function fetched() {
  mkdirSync(join(folder, 'package/lib'), { recursive: true });
  writeFileSync(join(folder, 'package/package.json'), '{}');
  writeFileSync(join(folder, 'package/lib/part.node'), 'native');
  const file = join(folder, 'scope-name-1.0.0.tgz');
  await create({ file, cwd: folder, gzip: true }, ['package']);
  const digest = createHash('sha512').update(readFileSync(file)).digest('base64');
  const place = 'node_modules/@scope/name';
  return {
    file,
    locked: { name: '@scope/name', place, version: '1.0.0', integrity: `sha512-${digest}`, license: 'MIT' },
  };
}

describe('a fetched package', () => {
  test('gives the files that are wanted', async () => {
    const { locked } = await fetched();
    const files = await readTarball(locked, folder, (path) => path.endsWith('.node'));
    expect([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])).toEqual([
      ['lib/part.node', 'native'],
    ]);
  });

  test('is not fetched again', async () => {
    const { locked } = await fetched();
    // No registry has it.
    await fetchTarballs([{ ...locked, name: '@scope/name' }], folder);
  });

  test('is told with the reason of npm when no registry has it', { timeout: 60_000 }, async () => {
    const { locked } = await fetched();
    const settings = {
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
      npm_config_cache: folder,
    };
    Object.assign(process.env, settings);
    try {
      await expect(fetchTarballs([{ ...locked, version: '2.0.0' }], folder)).rejects.toMatchObject({
        reason: 'not-fetched',
        message: expect.stringMatching(/npm could not fetch @scope\/name@2\.0\.0: code ECONNREFUSED; .*npm ping/),
      });
    } finally {
      for (const name of Object.keys(settings)) delete process.env[name];
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('arriving'))).toEqual([]);
  });

  test('is refused and deleted when it is not what the lock file pins', async () => {
    const { file, locked } = await fetched();
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('x')]));
    await expect(readTarball(locked, folder, () => true)).rejects.toMatchObject({
      reason: 'tampered',
      message: expect.stringContaining('@scope/name@1.0.0 is not what package-lock.json pins'),
    });
    expect(existsSync(file)).toBe(false);
  });
});
