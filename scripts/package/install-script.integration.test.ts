import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { components, readRecipe } from '../../cloud/greengrass/recipe.ts';
import { recipeRun } from '../../cloud/greengrass/recipe-run.ts';
import { installScript } from './install-script.ts';

const run = promisify(execFile);
/** Root may use every device, so the tests of rights need another user. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

let folder: string;
let bin: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
  chmodSync(folder, 0o755);
  bin = join(folder, 'bin');
  mkdirSync(bin);
  // All that the step may use: nothing that could download or change the machine.
  for (const program of ['sh', 'id', 'sort', 'head']) {
    symlinkSync(join(program === 'sh' ? '/bin' : '/usr/bin', program), join(bin, program));
  }
  const product = { name: 'com.example.One' };
  const script = installScript({ product, target: { nodeArch: 'arm64' }, nodeLeast: '20.19', glibcLeast: '2.28' });
  writeFileSync(join(folder, 'install.sh'), script);
});
afterEach(() => rmSync(folder, { recursive: true }));

function installNode(answer: string, code = 0): void {
  writeFileSync(join(bin, 'node'), `#!/bin/sh\n[ $# -eq 2 ] && [ "$1" = -p ] && echo '${answer}'\nexit ${code}\n`, {
    mode: 0o755,
  });
}

async function install(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const options = { env: { PATH: bin }, ...nobody };
  return await run('/bin/sh', [join(folder, 'install.sh'), ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, out: error.stdout, err: error.stderr }),
  );
}

describe('the install step', () => {
  test.each(['20.19.0 arm64 2.36', '24.1.0 arm64 2.28', '100.0.0 arm64 3.0'])(
    'is content with Node.js, machine and glibc %s',
    async (answer) => {
      installNode(answer);
      expect(await install()).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringContaining('com.example.One can run here'),
      });
    },
  );

  test.each([
    ['18.20.4 arm64 2.36', /is Node\.js 18\.20\.4, and 20\.19 or newer is needed\. .*systemctl restart greengrass/],
    ['20.9.0 arm64 2.36', /is Node\.js 20\.9\.0/],
    ['20.19.0 arm 2.36', /Install 64-bit Raspberry Pi OS/],
    ['20.19.0 x64 2.36', /is for x64, this package for arm64/],
    ['20.19.0 arm64 2.27', /needs glibc 2\.28 or newer, found 2\.27/],
    ['20.19.0 arm64 none', /needs glibc 2\.28 or newer, found none/],
  ])('refuses Node.js, machine and glibc %s with what to do', async (answer, sentence) => {
    installNode(answer);
    const refused = await install();
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/^com\.example\.One cannot run here: .+\n$/);
    expect(refused.err).toMatch(sentence);
  });

  test('says where it looked for Node.js, and when it does not start', async () => {
    expect(await install()).toMatchObject({
      code: 1,
      err: expect.stringMatching(/not on the PATH of user \w+ \(.*apt-get install nodejs/),
    });
    installNode('', 1);
    expect(await install()).toMatchObject({ code: 1, err: expect.stringContaining('does not start') });
  });

  test('wants the right to use the bus of a sensor that is there, and says how to get it', async () => {
    installNode('20.19.0 arm64 2.36');
    const bus = join(folder, 'i2c-1');
    expect((await install('auto', bus)).code).toBe(0);
    writeFileSync(bus, '', { mode: 0o600 });
    chmodSync(bus, 0o400);
    for (const kind of ['auto', 'i2c', 'node-sense-hat']) {
      expect(await install(kind, bus)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/sudo usermod -aG i2c \w+/),
      });
    }
    for (const kind of ['mock', 'mqtt', 'replay', 'iio']) expect((await install(kind, bus)).code).toBe(0);
    chmodSync(bus, 0o666);
    const usable = await install('i2c', bus);
    expect(usable.code).toBe(0);
    expect(usable.out).toMatch(/not in the group video.*\n.*not in the group input/);
  });
});

test.each(components)('$name refuses 32-bit Arm with what to do', async ({ name }) => {
  const variables = { decompressedPath: '/none', workPath: '/none', thingName: 'pi' };
  const refused = run('sh', ['-c', recipeRun(readRecipe(name), 'arm', variables).install]);
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('64-bit Raspberry Pi OS') });
});
