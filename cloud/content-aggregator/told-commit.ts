import { z } from 'zod';
import type { Untold } from './contract.ts';
import type { GitHubContents } from './github-contents.ts';

/** Where the newest commit lies that was told. */
export interface ToldPorts {
  find(): Promise<Uint8Array | undefined>;
  put(bytes: Uint8Array): Promise<void>;
}

const toldSchema = z.object({ commitSha: z.string() });

/**
 * The newest commit of the content file where nobody was told of it: the answer to its write was lost and so was the run,
 * or a person has made it.
 * @param contentSha of the content file; `none` where there is none
 */
export async function untoldCommit(
  contentSha: string,
  github: Pick<GitHubContents, 'lastCommit'>,
  { find }: Pick<ToldPorts, 'find'>,
): Promise<Untold> {
  if (contentSha === 'none') return {};
  const bytes = await find();
  const told = bytes === undefined ? undefined : toldSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  const commitSha = await github.lastCommit();
  return commitSha === told?.commitSha ? {} : { commitSha };
}

/** Notes which commit was told. */
export async function noteTold(commitSha: string, { put }: Pick<ToldPorts, 'put'>): Promise<void> {
  await put(Buffer.from(JSON.stringify({ commitSha } satisfies z.input<typeof toldSchema>)));
}
