import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createSecretFiles } from './secret-files.ts';
import { readSecretsConfig, secretsConfigFile } from './secrets-config.ts';

let folder = '';
const home = () => join(folder, 'secrets');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'greengrass-itsm-secrets-'));
  const made = folder;
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
});

test('folder and files are for their owner alone, whatever was there', () => {
  mkdirSync(home());
  chmodSync(home(), 0o777);
  const files = createSecretFiles(home());
  files.write('a', 'first');
  files.write('a', 'second');
  expect(statSync(home()).mode & 0o777).toBe(0o700);
  expect(statSync(join(home(), 'a')).mode & 0o777).toBe(0o600);
  expect(files.read('a')).toBe('second');
  expect(readdirSync(home())).toEqual(['a']);
});

test('nothing is written through a link that takes the folder’s or the file’s place', () => {
  const outside = join(folder, 'outside');
  writeFileSync(outside, 'kept');
  symlinkSync(folder, home());
  expect(() => createSecretFiles(home()).write('a', 'x')).toThrow('is no folder');
  rmSync(home());
  mkdirSync(home());
  symlinkSync(outside, join(home(), 'a'));
  expect(createSecretFiles(home()).read('a')).toBeUndefined();
  createSecretFiles(home()).write('a', 'x');
  expect(readFileSync(outside, 'utf8')).toBe('kept');
});

test('what a former environment left is removed, and in the end all is', () => {
  const files = createSecretFiles(home());
  files.write('a', 'x');
  files.write('b', 'x');
  files.keepOnly(['b']);
  expect(readdirSync(home())).toEqual(['b']);
  files.wipe();
  expect(existsSync(home())).toBe(false);
  expect(files.read('b')).toBeUndefined();
});

test('config.yaml is read from beside the code, and what is wrong with it is told', () => {
  expect(secretsConfigFile({ LAMBDA_TASK_ROOT: '/var/task' })).toBe('/var/task/config.yaml');
  const file = join(folder, 'config.yaml');
  writeFileSync(file, 'SecretManagers:\n- secrets:\n    - secretname: a\n      required: true\n');
  expect(readSecretsConfig(file).SecretManagers[0]?.secrets).toEqual([{ secretname: 'a', required: true }]);
  writeFileSync(file, 'SecretManagers: hello\n');
  expect(() => readSecretsConfig(file)).toThrow('config.yaml is not as it should be');
  writeFileSync(file, `a: ${'x'.repeat(70_000)}`);
  expect(() => readSecretsConfig(file)).toThrow('larger than 65536 bytes');
});
