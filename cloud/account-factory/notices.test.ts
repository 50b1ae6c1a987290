import { expect, test } from 'vitest';
import { refusedNotice } from './notices.ts';

test('a message that SNS would not take is cut, and says so', () => {
  const { subject, message } = refusedNotice('update.yml, version 1', ['ü€'.repeat(200_000)]);
  expect(Buffer.byteLength(message)).toBeLessThan(262_144);
  expect(message).toMatch(/cut here, of \d+ characters$/);
  expect(subject).toBe('Baseline refused: update.yml, version 1');
});

test('a subject has at most the hundred characters of SNS', () => {
  expect(refusedNotice('x'.repeat(200), []).subject).toHaveLength(100);
});
