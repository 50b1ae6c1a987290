import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

function picture(...args: string[]) {
  const { AWS_ENDPOINT_URL: _, ...env } = process.env;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'main.ts'), ...args],
    { encoding: 'utf8', env, timeout: 60_000 },
  );
  return { status, stderr };
}

const key = ['--incident', 'hall-2/press-4/temperature/upper'];

it.each([
  [['add', 'photo.jpg'], "required option '--incident <correlation_id>' not specified", 2],
  [['list', '--incident', 'a b'], 'It is 1 to 100 characters without blanks', 2],
  [['attach', '../x', ...key], 'Give an id as `list` has it.', 2],
  [['list', ...key, '--account', '123456789012'], '--account goes with --region', 2],
  [['add', 'nowhere.jpg', ...key], 'Cannot read nowhere.jpg', 1],
  [['list', ...key], 'Without --account ID every client stays on this machine', 1],
])('says what is wrong with %s', (args, sentence, code) => {
  const { status, stderr } = picture(...args);
  expect(stderr).toContain(sentence);
  expect(status).toBe(code);
});
