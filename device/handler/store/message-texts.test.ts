import { expect, test } from 'vitest';
import { anomalyExample } from '../../messages/examples.ts';
import { createMessageTexts } from './message-texts.ts';

const numbered = (sequence: number) => ({ ...anomalyExample, sequence });

test('a message comes back as it was stored, without being read again', () => {
  const { textOf, messageOf } = createMessageTexts();
  const text = textOf(anomalyExample);
  expect(JSON.parse(text)).toEqual(anomalyExample);
  expect(messageOf(text)).toBe(anomalyExample);
});

test('a text that was not stored here is checked, and then known', () => {
  const { messageOf } = createMessageTexts();
  const text = JSON.stringify(anomalyExample);
  const message = messageOf(text);
  expect(message).toEqual(anomalyExample);
  expect(messageOf(text)).toBe(message);
  expect(() => messageOf('{"version":1}')).toThrow();
  expect(() => messageOf('{')).toThrow();
});

test('only the latest are remembered, and no long ones', () => {
  const { textOf, messageOf } = createMessageTexts(2);
  const [first, second, third] = [numbered(1), numbered(2), numbered(3)];
  const texts = [first, second, third].map(textOf);
  expect(messageOf(texts[2] ?? '')).toBe(third);
  expect(messageOf(texts[1] ?? '')).toBe(second);
  expect(messageOf(texts[0] ?? '')).not.toBe(first);
  const long = {
    ...anomalyExample,
    window: Array.from({ length: 240 }, (_, n): [number, number] => [1e12 + n, 1e12 + n + 0.0625]),
  };
  expect(messageOf(textOf(long))).toEqual(long);
  expect(messageOf(textOf(long))).not.toBe(long);
});
