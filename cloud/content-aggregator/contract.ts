import { z } from 'zod';

/** Bytes of a link at most: fifty of them pass through the state machine. */
const largestLink = 1_000;

/** What an execution is started with. More feeds are more schedules. */
export const runInput = z.object({
  feedUrl: z
    .url({ protocol: /^https?$/ })
    .max(largestLink)
    .describe('RSS 2.0 or Atom, on an allowed host.'),
});

/** Of what a page is asked for, and of what GitHub is asked for: nothing of either goes on. */
export const link = z.url({ protocol: /^https?$/ }).max(largestLink);

/** Posts of a feed that are looked at; what is older was looked at by an earlier run. */
export const mostPosts = 50;

/** `$.RSSBlogs`: what `GetUrls` answers. */
export const feedPosts = z.object({
  urls: z.array(link).max(mostPosts),
  unusable: z.int().min(0).describe('Entries without a link that could be followed.'),
  older: z.int().min(0).describe('Entries beyond the newest fifty.'),
});
export type FeedPosts = z.infer<typeof feedPosts>;

/** `$.RepoBlogs`: where `GetRepoContents` has put what is there. The file itself may be larger than a state may be. */
export const repoContents = z.object({
  sha: z.string().describe('Git blob id of the content file; `none` where there is no such file yet.'),
  knownKey: z
    .string()
    .regex(/^known\/[a-z0-9]+\.json$/)
    .describe('Object with the keys of all links in it.'),
});
export type RepoContents = z.infer<typeof repoContents>;

/** Object at `knownKey`. */
export const knownLinks = z.array(z.string());

/** Why a post can never be used as it is, or the run cannot go on: none of these is tried again. */
export const refusals = [
  /** Neither http(s) on an allowed host, nor at a public address. */
  'AddressNotAllowed',
  'TooManyRedirects',
  /** More than 2 MB. */
  'DocumentTooLarge',
  /** Compressed although it was asked for as it is. */
  'DocumentEncoded',
  /** The server answers with 4xx. */
  'DocumentRefused',
  /** Neither RSS nor Atom. */
  'NotAFeed',
  /** No HTML, or no title in it. */
  'NotAPost',
  /** The token, the repository, or the content file is not as it should be. */
  'GitHubRefused',
  /** The content file is no JSON array, or larger than is read. */
  'ContentUnusable',
] as const;
export type Refusal = (typeof refusals)[number];

/** A page that can never be used, in place of what it says of itself. */
export interface RefusedPost {
  refused: Refusal;
}

/** `$.BlogMeta`: what a page says of itself. */
export const blogMeta = z.object({
  title: z.string().min(1).max(300),
  intro: z.string().max(2_000),
  author: z.string().max(200),
  published: z.iso.datetime().optional().describe('Absent where the page does not say.'),
  link,
  image: z.union([link, z.literal('')]),
  tags: z.array(z.string().min(1).max(60)).max(20),
});
export type BlogMeta = z.infer<typeof blogMeta>;

/** `$.decision`. */
export const decision = z.object({ exist: z.union([z.literal(0), z.literal(1)]) });
export type Decision = z.infer<typeof decision>;

/** An entry of the content file, as the site of the post reads it. */
export const contentItem = z.object({
  title: z.string(),
  intro: z.string(),
  author: z.string(),
  date: z.string().describe('`Aug 22, 2020`'),
  link,
  image: z.string(),
  tags: z.array(z.string()),
});
export type ContentItem = z.infer<typeof contentItem>;

/** What `WriteToGitHub` is asked: to save entries, which commit nobody was told of, or to note one that was told. */
export const saveInput = z.union([
  z.object({ items: z.array(contentItem).min(1).max(mostPosts) }),
  z.object({ contentSha: z.string() }),
  z.object({ toldSha: z.string() }),
]);

/** Object of the bucket that says which commit was told last. */
export const toldKey = 'told/last.json';

/** `$.saved` where nothing was new: a commit that nobody was told of, if there is one. */
export interface Untold {
  commitSha?: string;
}

/** `$.saved` where something was new: what `WriteToGitHub` answers. */
export interface Saved {
  commitSha: string;
  /** Entries that this call has added; 0 where all were there already. */
  added: number;
}

/** `source` of the event. */
export const eventSource = 'greengrass-itsm.content';

/** `detail-type` of the event. */
export const contentCommittedType = 'ContentCommitted';

/**
 * `detail` of the event that a commit has changed the content file: whoever builds the site builds it again, from
 * `commitSha` or later. It is delivered at least once; one commit is one site, however often it is told.
 */
export const contentCommitted = z.object({
  repo: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,99}\/[\w.-]{1,100}$/)
    .describe('`owner/name`'),
  path: z.string().min(1).max(1_024).describe('Of the content file in the repository.'),
  commitSha: z.string().regex(/^[0-9a-f]{40}$/),
});
