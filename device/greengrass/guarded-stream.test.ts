import { expect, test } from 'vitest';
import { guardStream } from './guarded-stream.ts';

/** A stream of aws-crt whose request is written, or not, when the test says so. */
function streamByHand() {
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  const stream = {
    closed: 0,
    activate: (_options: object) =>
      new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      }),
    close() {
      stream.closed += 1;
    },
  };
  guardStream(stream);
  return { stream, written: () => settle?.resolve(), failed: () => settle?.reject(new Error('closed')) };
}

test('a stream that was never used, or whose request is written, is closed at once', async () => {
  const unused = streamByHand();
  unused.stream.close();
  expect(unused.stream.closed).toBe(1);
  const used = streamByHand();
  const activating = used.stream.activate({});
  used.written();
  await activating;
  used.stream.close();
  expect(used.stream.closed).toBe(1);
});

test('a close while the request is being written waits until it is', async () => {
  const { stream, written } = streamByHand();
  const activating = stream.activate({});
  stream.close();
  expect(stream.closed).toBe(0);
  written();
  await activating;
  expect(stream.closed).toBe(1);
});

test('a stream whose request could not be written is not closed: its memory is given back already', async () => {
  const { stream, failed } = streamByHand();
  const activating = stream.activate({});
  stream.close();
  failed();
  await expect(activating).rejects.toThrow('closed');
  stream.close();
  expect(stream.closed).toBe(0);
});
