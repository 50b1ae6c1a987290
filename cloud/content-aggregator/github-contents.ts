import { z } from 'zod';
import { Refused, Unavailable } from './refused.ts';

/** The content file as it is on the default branch. */
export interface RepositoryFile {
  /** Git blob id. */
  sha: string;
  text: string;
}

export type Written = { kind: 'committed'; commitSha: string } | { kind: 'stale' };

/** One file of a repository. All methods throw `Refused` where nothing but a person helps, `Unavailable` where a later try may. */
export interface GitHubContents {
  /** @returns undefined where there is no such file */
  read(): Promise<RepositoryFile | undefined>;
  /** One commit; `stale` where the file is no longer that with `sha`, or without a `sha` is there. */
  write(file: { text: string; message: string; sha: string | undefined }): Promise<Written>;
  /** Id of the newest commit that changed the file. */
  lastCommit(): Promise<string>;
}

export interface GitHubDeps {
  /** `https://api.github.com`, or that of an Enterprise Server; plain HTTP only to this machine. */
  endpoint: string;
  /** `owner/name` */
  repo: string;
  path: string;
  token(): Promise<string>;
  /** Epoch ms. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Until when it tries and waits, epoch ms: before the function's own end, so that it can say what it failed with. */
  untilMs: number;
  /** Bytes of the file that are read. */
  largestBytes: number;
}

/** All that a function does with GitHub: it has 100 s. */
export const githubLimitMs = 80_000;
const attempts = 3;
const baseMs = 1_000;
const requestLimitMs = 20_000;
/** What a crowded server may ask for; a function that waits costs as one that works. */
const longestWaitMs = 30_000;

const fileSchema = z.object({
  type: z.literal('file'),
  sha: z.string(),
  size: z.int(),
  encoding: z.string(),
  content: z.string(),
});
const blobSchema = z.object({ encoding: z.literal('base64'), content: z.string() });
const writtenSchema = z.object({ commit: z.object({ sha: z.string() }) });
const commitsSchema = z.array(z.object({ sha: z.string() }));
const problemSchema = z.object({ message: z.string() });

/**
 * The contents API of GitHub.
 * Source: "REST API endpoints for repository contents", version 2022-11-28.
 */
export function createGitHubContents(deps: GitHubDeps): GitHubContents {
  const { repo, path, largestBytes } = deps;
  const contents = `/repos/${repo}/contents/${path.split('/').map(encodeURIComponent).join('/')}`;
  const ask = (method: 'GET' | 'PUT', resource: string, body?: unknown) => send(deps, method, resource, body);

  return {
    async read() {
      const answer = await ask('GET', contents);
      if (answer.status === 404) return undefined;
      const { sha, size, encoding, content } = checked(contents, fileSchema, answer);
      if (size > largestBytes) {
        throw new Refused('ContentUnusable', `${path} of ${repo} has ${size} bytes, and ${largestBytes} are read.`);
      }
      // What is larger than 1 MB is to be had by its id alone.
      const resource = `/repos/${repo}/git/blobs/${sha}`;
      const encoded =
        encoding === 'base64' ? content : checked(resource, blobSchema, await ask('GET', resource)).content;
      // Without the mark of byte order that some editors write.
      return { sha, text: new TextDecoder().decode(Buffer.from(encoded, 'base64')) };
    },

    async write({ text, message, sha }) {
      const content = Buffer.from(text).toString('base64');
      // A request that is sent again after its answer was lost finds its own work, and is stale: it names what it replaces.
      const answer = await ask('PUT', contents, { message, content, ...(sha === undefined ? {} : { sha }) });
      if (answer.status === 409 && isMoved.test(messageOf(answer))) return { kind: 'stale' };
      // The file has come to be since it was looked for: GitHub misses its id.
      if (answer.status === 422 && sha === undefined && /sha/.test(messageOf(answer))) return { kind: 'stale' };
      return { kind: 'committed', commitSha: checked(contents, writtenSchema, answer).commit.sha };
    },

    async lastCommit() {
      const resource = `/repos/${repo}/commits?path=${encodeURIComponent(path)}&per_page=1`;
      const [newest] = checked(resource, commitsSchema, await ask('GET', resource));
      if (newest !== undefined) return newest.sha;
      throw new Unavailable(`${repo} has no commit of ${path} yet.`);
    },
  };
}

/** What a 409 says of a file, or of a branch, that has moved on. One of a protected branch says other things, and stays so. */
const isMoved = /does not match|is at \w+ but expected \w+/;

interface Answer {
  status: number;
  headers: Headers;
  json: unknown;
}

/** Tries again what a crowded or broken server answers, as late as it says, within the bound. */
async function send(deps: GitHubDeps, method: string, resource: string, body?: unknown): Promise<Answer> {
  const { now, sleep, untilMs } = deps;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await request(deps, method, resource, body);
    const waitMs = waitOf(answer, attempt, now());
    if (waitMs === undefined) {
      if (answer instanceof Unavailable) throw answer;
      return answer;
    }
    if (attempt === attempts || waitMs > longestWaitMs || now() + waitMs >= untilMs) {
      if (answer instanceof Unavailable) throw answer;
      const seconds = Math.ceil(waitMs / 1_000);
      throw new Unavailable(
        `GitHub answered ${method} ${resource} with ${answer.status}; it may be asked again in ${seconds} s.`,
      );
    }
    await sleep(waitMs);
  }
}

async function request(
  { endpoint, token, now, untilMs }: GitHubDeps,
  method: string,
  resource: string,
  body: unknown,
): Promise<Answer | Unavailable> {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${await token()}`,
    'user-agent': 'greengrass-itsm content-aggregator',
    'x-github-api-version': '2022-11-28',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  try {
    const signal = AbortSignal.timeout(Math.max(1, Math.min(requestLimitMs, untilMs - now())));
    // The token goes to no other host than the one that was named.
    const answer = await fetch(`${endpoint.replace(/\/$/, '')}${resource}`, {
      ...{ method, headers, redirect: 'manual', signal },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, json: parseJson(await textOf(answer)) };
  } catch (error) {
    return new Unavailable(`${method} ${resource} at ${endpoint} failed: ${reasonOf(error)}.`, { cause: error });
  }
}

/** How long to wait before the next try, ms; undefined where this answer is one. */
function waitOf(answer: Answer | Unavailable, attempt: number, nowMs: number): number | undefined {
  const backoffMs = baseMs * 2 ** (attempt - 1);
  if (answer instanceof Unavailable) return backoffMs;
  const { status, headers } = answer;
  if (status >= 500) return backoffMs;
  const retryAfter = Number(headers.get('retry-after') ?? 'none');
  const isUsedUp = headers.get('x-ratelimit-remaining') === '0';
  if (status !== 429 && !(status === 403 && (Number.isFinite(retryAfter) || isUsedUp))) return undefined;
  if (Number.isFinite(retryAfter)) return Math.max(0, retryAfter) * 1_000;
  const reset = Number(headers.get('x-ratelimit-reset') ?? 'none');
  return isUsedUp && Number.isFinite(reset) ? Math.max(baseMs, reset * 1_000 - nowMs) : backoffMs;
}

/** The largest answer is a file in base64, and a little around it. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > largestAnswer) throw new Error(`the answer has more than ${largestAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
const largestAnswer = 32 * 1024 * 1024;

/** @throws Refused with what to do, where the answer is not what was asked for */
function checked<S extends z.ZodType>(resource: string, schema: S, answer: Answer): z.output<S> {
  const { status } = answer;
  const parsed = schema.safeParse(answer.json);
  if (status >= 200 && status < 300 && parsed.success) return parsed.data;
  const todo: Record<number, string> = {
    301: 'the repository has another name: deploy the room with it',
    401: 'put a token that is valid into the parameter',
    403: 'let the token read and write the contents of the repository',
    404: 'look at the name of the repository, and let the token write its contents',
    409: 'let the owner of the token write to the default branch, whose protection refuses it',
    422: 'look at the path of the content file',
  };
  const says = messageOf(answer).slice(0, 200);
  throw new Refused(
    'GitHubRefused',
    `GitHub answered ${resource} with ${status} "${says}": ${todo[status] ?? 'the room does not know this answer'}.`,
  );
}

function messageOf({ json }: Answer): string {
  return problemSchema.safeParse(json).data?.message ?? '';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says only that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
