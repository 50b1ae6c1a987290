import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from './logger.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const messages = (file: string) => {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => /"msg":"([^"]*)"/.exec(line)?.[1]);
};

test('a level that changes counts for children that were made before', () => {
  const file = join(folder, 'log');
  let level = 'info';
  const logger = createLogger({ level: () => level, destination: file });
  const child = logger.child({ module: 'm' });
  child.debug('one');
  child.info('two');
  level = 'debug';
  child.debug('three');
  logger.trace('four');
  level = 'silent';
  child.fatal('five');
  expect(messages(file)).toEqual(['two', 'three']);
});

test('secrets do not reach a line, by name', () => {
  const file = join(folder, 'log');
  createLogger({ level: () => 'info', destination: file }).info({ request: { password: 'hunter2' } }, 'sent');
  expect(readFileSync(file, 'utf8')).not.toContain('hunter2');
});
