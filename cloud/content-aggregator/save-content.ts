import { contentText, mergeContent, parseContent } from './content-file.ts';
import type { ContentItem, Saved } from './contract.ts';
import type { GitHubContents } from './github-contents.ts';
import { Refused, Unavailable } from './refused.ts';

/** How often it is read and merged again after somebody else has changed the file in between. */
const mostConflicts = 3;
/** Of the file, bytes; the contents API is not made for more. */
export const largestContentBytes = 10 * 1024 * 1024;

/**
 * One commit that adds the entries to the content file. A file that has changed since it was read is read and merged
 * again. Where all entries are there, nothing is written: an earlier attempt whose answer was lost has done it, and its commit is
 * answered.
 * @throws Refused `ContentUnusable`, and what the port throws
 * @throws Unavailable where the file changed under each attempt
 */
export async function saveContent(
  items: readonly ContentItem[],
  github: Pick<GitHubContents, 'read' | 'write' | 'lastCommit'>,
): Promise<Saved> {
  for (let conflicts = 0; conflicts <= mostConflicts; conflicts += 1) {
    const file = await github.read();
    const { entries, added } = mergeContent(parseContent(file?.text), items);
    if (added === 0) return { commitSha: await github.lastCommit(), added };
    const text = contentText(entries);
    if (Buffer.byteLength(text) > largestContentBytes) {
      throw new Refused(
        'ContentUnusable',
        `The content file would have more than ${largestContentBytes} bytes: move its oldest entries to another.`,
      );
    }
    const written = await github.write({ text, message: 'Updated content file', sha: file?.sha });
    if (written.kind === 'committed') return { commitSha: written.commitSha, added };
  }
  throw new Unavailable(
    `The content file was changed by somebody else ${mostConflicts + 1} times while it was written.`,
  );
}
