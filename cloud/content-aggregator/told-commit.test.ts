import { expect, test } from 'vitest';
import { noteTold, type ToldPorts, untoldCommit } from './told-commit.ts';

/** A bucket of one object, and a repository whose newest commit is `c1`. */
function stage() {
  let kept: Uint8Array | undefined;
  const bucket: ToldPorts = {
    find: async () => kept,
    put: async (bytes) => {
      kept = bytes;
    },
  };
  return { bucket, github: { lastCommit: async () => 'c1' } };
}

test('a commit whose run failed before it was told is found by the next run, until it was told (partial failure)', async () => {
  const { bucket, github } = stage();
  await noteTold('c0', bucket);
  expect(await untoldCommit('blob', github, bucket)).toEqual({ commitSha: 'c1' });
  await noteTold('c1', bucket);
  expect(await untoldCommit('blob', github, bucket)).toEqual({});
});

test('where nobody has told anything yet the newest commit is told, and none where there is no content file', async () => {
  const { bucket, github } = stage();
  expect(await untoldCommit('blob', github, bucket)).toEqual({ commitSha: 'c1' });
  const asked = { lastCommit: () => Promise.reject(new Error('there is no commit')) };
  expect(await untoldCommit('none', asked, bucket)).toEqual({});
});
