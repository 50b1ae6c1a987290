import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundle } from './bundle.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let folder: string;
beforeEach(() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  // Where packages are found.
  folder = mkdtempSync(join(root, '.cache/bundle-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('packages that are imported dynamically have their named exports, and are loaded by need', async () => {
  const program = join(folder, 'program.ts');
  writeFileSync(
    program,
    `const { parseDocument } = await import('yaml');
     const sdk = await import('@aws-sdk/client-secrets-manager');
     const { SecretsManagerClient } = sdk;
     const { greengrasscoreipc } = await import('aws-iot-device-sdk-v2');
     console.log(typeof parseDocument, typeof SecretsManagerClient, typeof greengrasscoreipc.createClient);`,
  );
  const { files, inside } = await bundle(root, { program: relative(root, program) });
  for (const [path, bytes] of files) writeFileSync(join(folder, path), bytes);
  const binary = join(root, `node_modules/aws-crt/dist/bin/linux-${process.arch}-glibc/aws-crt-nodejs.node`);
  const answer = await run(process.execPath, [join(folder, 'program.mjs')], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', AWS_CRT_NODEJS_BINARY_ABSOLUTE_PATH: binary },
  });
  expect(answer.stdout).toBe('function function function\n');
  expect(inside).toEqual(expect.arrayContaining(['node_modules/yaml', 'node_modules/aws-crt']));
  const main = Buffer.from(files.get('program.mjs') ?? '').toString();
  expect(main).toMatch(/import\("\.\/[\w-]+\.mjs"\)/);
  expect(main).not.toContain('class SecretsManagerClient');
});
