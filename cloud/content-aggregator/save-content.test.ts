import { expect, test } from 'vitest';
import type { ContentItem } from './contract.ts';
import type { GitHubContents } from './github-contents.ts';
import { saveContent } from './save-content.ts';

const item: ContentItem = {
  ...{ title: 't', intro: '', author: '', date: 'Nov 1, 2026', link: 'https://a.example/1', image: '', tags: [] },
};

/** A repository whose file others change before each of the first writes. */
function stage({ text = undefined as string | undefined, conflicts = 0 } = {}) {
  const written: string[] = [];
  const state = { text, conflicts, version: 0 };
  const github: Pick<GitHubContents, 'read' | 'write' | 'lastCommit'> = {
    read: async () => (state.text === undefined ? undefined : { sha: String(state.version), text: state.text }),
    async write(file) {
      if (state.conflicts > 0) {
        state.conflicts -= 1;
        state.version += 1;
        state.text = `[{"link":"https://other.example/${state.version}"}]`;
      }
      if (state.text !== undefined && file.sha !== String(state.version)) return { kind: 'stale' };
      state.text = file.text;
      written.push(file.text);
      return { kind: 'committed', commitSha: 'c1' };
    },
    lastCommit: async () => 'c0',
  };
  return { github, written };
}

test('new entries are one commit', async () => {
  const { github, written } = stage();
  expect(await saveContent([item], github)).toEqual({ commitSha: 'c1', added: 1 });
  expect(written.map((text) => JSON.parse(text))).toEqual([[item]]);
});

test.each([1, 2, 3])('a file that was changed in between %i times is read and merged again', async (conflicts) => {
  const { github, written } = stage({ text: '[]', conflicts });
  expect(await saveContent([item], github)).toEqual({ commitSha: 'c1', added: 1 });
  expect(written.map((text) => JSON.parse(text))).toEqual([[item, { link: `https://other.example/${conflicts}` }]]);
});

test('a file that changes for ever is given up after three times', async () => {
  const { github, written } = stage({ text: '[]', conflicts: 100 });
  await expect(saveContent([item], github)).rejects.toMatchObject({ name: 'Unavailable' });
  expect(written).toEqual([]);
});

test('what is there already is not written, and the commit that did it is told', async () => {
  const { github, written } = stage({ text: JSON.stringify([item]) });
  expect(await saveContent([item], github)).toEqual({ commitSha: 'c0', added: 0 });
  expect(written).toEqual([]);
});

test('a content file that is no array is not overwritten (bad schema)', async () => {
  for (const text of ['{}', 'no JSON', 'null', '"text"']) {
    const { github, written } = stage({ text });
    await expect(saveContent([item], github)).rejects.toMatchObject({ name: 'ContentUnusable' });
    expect(written).toEqual([]);
  }
});

test('a file that would become too large is not written', async () => {
  const { github, written } = stage({ text: JSON.stringify([{ text: 'x'.repeat(10 * 1024 * 1024) }]) });
  await expect(saveContent([item], github)).rejects.toMatchObject({ name: 'ContentUnusable' });
  expect(written).toEqual([]);
});
