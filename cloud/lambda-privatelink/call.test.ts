import { expect, test } from 'vitest';
import { calledFrom } from './call.ts';

const target = 'arn:aws:lambda:eu-west-1:111122223333:function:answer:live';
const said = (text: string, functionError?: string) =>
  calledFrom({ functionError, payload: Buffer.from(text) }, target);

test('an answer is an answer', () => {
  expect(said('{"deviceId":"press-4","version":"7"}')).toEqual({
    kind: 'answer',
    answer: { deviceId: 'press-4', version: '7' },
  });
});

test.each([
  ['nothing', ''],
  ['what is not JSON', 'hello'],
  ['an answer of another form', '{"deviceId":7}'],
])('%s is a failure that names the function (bad schema)', (_, text) => {
  expect(said(text)).toEqual({
    kind: 'failed',
    sentence: expect.stringContaining(`${target} answered something else`),
  });
});

test('a function that failed is a failure, whatever it wrote (poison)', () => {
  expect(said('{"errorMessage":"password=x"}', 'Unhandled')).toEqual({
    kind: 'failed',
    sentence: `${target} failed (Unhandled): its log says with what.`,
  });
});

test('an answer that is too large is not read', () => {
  expect(said(`"${' '.repeat(9_000)}"`)).toMatchObject({ sentence: expect.stringContaining('answered 9002 bytes') });
});
