import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSecretFileIfMissing, fileSecrets } from './file.ts';
import type { Secrets } from './secrets.ts';
import { canary, secretsContract } from './secrets-contract.ts';

let folder = '';
let files = 0;
const freshPath = () => {
  files += 1;
  return join(folder, `secret-${files}.json`);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('secret file', () => {
  secretsContract(async () => {
    const path = freshPath();
    const secrets = fileSecrets(path);
    let last: unknown;
    let readings = 0;
    const counted: Secrets = {
      kind: secrets.kind,
      async get(options) {
        // A reading gives a new result; what is kept is the same one.
        const result = await secrets.get(options);
        if (result !== last) readings += 1;
        last = result;
        return result;
      },
    };
    return { secrets: counted, put: (text) => writeFile(path, text, { mode: 0o600 }), readings: () => readings };
  });

  test.each([0o644, 0o640, 0o604, 0o660])('is refused with mode %o, and a sentence says what to do', async (mode) => {
    const path = freshPath();
    await writeFile(path, JSON.stringify({ username: 'edge', password: canary }));
    await chmod(path, mode);
    const result = await fileSecrets(path).get();
    expect(result).toMatchObject({ ok: false, reason: 'not-allowed' });
    expect(result).toHaveProperty('message', expect.stringContaining(`mode 0${mode.toString(8)}`));
    expect(result).toHaveProperty('message', expect.stringContaining(`chmod 600 ${path}`));
  });

  test('a folder, and a file that is no secret by its size, are said to be so', async () => {
    const path = freshPath();
    await mkdir(path, { mode: 0o700 });
    expect(await fileSecrets(path).get()).toMatchObject({ ok: false, reason: 'malformed' });
    const large = freshPath();
    await writeFile(large, 'x'.repeat(70_000), { mode: 0o600 });
    expect(await fileSecrets(large).get()).toMatchObject({ ok: false, reason: 'malformed' });
  });

  test('two processes give the same value different versions', async () => {
    const path = freshPath();
    await writeFile(path, JSON.stringify({ username: 'edge', password: canary }), { mode: 0o600 });
    const [one, other] = await Promise.all([fileSecrets(path).get(), fileSecrets(path).get()]);
    expect(one.ok && other.ok && one.version !== other.version).toBe(true);
  });

  test('is made once, for its owner alone, with its folder, and is never written over', async () => {
    const path = join(folder, 'new', 'folder', 'creds.json');
    const made = await Promise.all(
      ['a', 'b', 'c'].map((password) => createSecretFileIfMissing(path, { username: 'edge', password })),
    );
    expect(made.toSorted()).toEqual(['created', 'exists', 'exists']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const content = await readFile(path, 'utf8');
    expect(await createSecretFileIfMissing(path, { username: 'edge', password: 'd' })).toBe('exists');
    expect(await readFile(path, 'utf8')).toBe(content);
    expect(await readdir(join(folder, 'new', 'folder'))).toEqual(['creds.json']);
    expect(await fileSecrets(path).get()).toMatchObject({ ok: true });
  });

  test('where it cannot be made, one sentence says so without its content', async () => {
    const blocked = freshPath();
    await writeFile(blocked, '');
    const making = createSecretFileIfMissing(join(blocked, 'creds.json'), { username: 'edge', password: canary });
    await expect(making).rejects.toMatchObject({ reason: 'secret-not-written' });
    await making.catch((error: Error) => expect(error.message).not.toContain('canary'));
  });
});
