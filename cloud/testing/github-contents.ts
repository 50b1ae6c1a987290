import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What a request meets before it is answered as it should be. */
export type Trouble =
  | { kind: 'answer'; status: number; headers?: Record<string, string>; message?: string }
  /** It is done, and the connection breaks before the answer. */
  | { kind: 'lost' }
  /** Somebody else does something first. */
  | { kind: 'meanwhile'; work(): Promise<void> };

export interface TestGitHub {
  endpoint: string;
  /** The bare repository: `git --git-dir`. */
  gitDir: string;
  /** Of the next requests with this method, in order. */
  troubles: Map<'GET' | 'PUT', Trouble[]>;
  /** `PUT /repos/…` of all that was asked. */
  requests: string[];
  /** Whether the branch takes commits by reviewed pull requests alone. */
  isProtected: boolean;
  /** Runs git in the repository, and answers what it printed. */
  git(args: readonly string[], input?: string | Buffer): Promise<string>;
  /** A commit as another person makes it. */
  commit(path: string, text: string): Promise<string>;
  stop(): Promise<void>;
}

const branch = 'refs/heads/main';
/** The contents API has what is larger as a blob alone. */
const largestInline = 1024 * 1024;
const largestBody = 64 * 1024 * 1024;

const putSchema = z.object({ message: z.string().min(1), content: z.base64(), sha: z.string().optional() });

/**
 * The contents API of GitHub over a bare repository of its own, on loopback: reading a file and its blob, writing it in one commit, and
 * the newest commit of a path. Ids are git's. As GitHub does, it answers 409 where `sha` is not the blob that
 * is there or the branch is protected, and 422 where there is one and no `sha` is given.
 * @param repo `owner/name`
 * @param token that it takes
 */
export async function startGitHubContents({
  repo,
  token,
  port = 0,
}: {
  repo: string;
  token: string;
  port?: number;
}): Promise<TestGitHub> {
  const gitDir = await mkdtemp(join(tmpdir(), 'greengrass-itsm-github-'));
  await git(gitDir, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const server = createServer((request, response) => {
    answer(github, { repo, token }, request).then(
      (given) => respond(response, given),
      (error: unknown) => respond(response, { status: 500, json: { message: String(error) } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const github: TestGitHub = {
    ...{ endpoint: `http://127.0.0.1:${bound}`, gitDir, troubles: new Map(), requests: [], isProtected: false },
    git: (args, input) => git(gitDir, args, input),
    commit: (path, text) => commit(gitDir, { path, bytes: Buffer.from(text), message: 'By somebody else' }),
    async stop() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await rm(gitDir, { recursive: true, force: true });
    },
  };
  return github;
}

const protection = 'Could not update file: At least 1 approving review is required by reviewers with write access.';

interface Given {
  status: number;
  json: unknown;
  headers?: Record<string, string>;
  /** Whether the connection breaks instead. */
  isLost?: boolean;
}

const problem = (status: number, message: string): Given => ({ status, json: { message } });

async function answer(
  github: TestGitHub,
  { repo, token }: { repo: string; token: string },
  request: IncomingMessage,
): Promise<Given> {
  const { method = '', headers } = request;
  const url = new URL(request.url ?? '/', github.endpoint);
  github.requests.push(`${method} ${url.pathname}`);
  const body = await bodyOf(request);
  if (method !== 'GET' && method !== 'PUT') return problem(404, 'Not Found');
  const trouble = github.troubles.get(method)?.shift();
  if (trouble?.kind === 'answer') {
    const { status, message = 'trouble', headers: more = {} } = trouble;
    return { ...problem(status, message), headers: more };
  }
  if (trouble?.kind === 'meanwhile') await trouble.work();
  if (headers['user-agent'] === undefined) return problem(403, 'Request forbidden by administrative rules.');
  if (headers.authorization !== `Bearer ${token}`) return problem(401, 'Bad credentials');
  const [, resource = '', rest = ''] =
    new RegExp(`^/repos/${repo}/(contents|git/blobs|commits)(?:/(.+))?$`).exec(url.pathname) ?? [];
  const path = decodeURIComponent(rest);
  const given =
    method === 'PUT' && resource === 'contents'
      ? github.isProtected
        ? problem(409, protection)
        : await write(github.gitDir, path, body)
      : method === 'GET'
        ? await read(github.gitDir, resource, resource === 'commits' ? (url.searchParams.get('path') ?? '') : path)
        : problem(404, 'Not Found');
  return { ...given, isLost: trouble?.kind === 'lost' };
}

async function read(gitDir: string, resource: string, path: string): Promise<Given> {
  if (resource === 'contents') {
    const sha = await blobAt(gitDir, path);
    if (sha === undefined) return problem(404, 'Not Found');
    const bytes = await contentOf(gitDir, sha);
    const isInline = bytes.length <= largestInline;
    const about = { type: 'file', name: path.split('/').at(-1), path, sha, size: bytes.length };
    return {
      status: 200,
      json: { ...about, ...(isInline ? inBase64(bytes) : { encoding: 'none', content: '' }) },
    };
  }
  if (resource === 'git/blobs') {
    const bytes = await contentOf(gitDir, path);
    return { status: 200, json: { sha: path, size: bytes.length, ...inBase64(bytes) } };
  }
  if (resource === 'commits') {
    const sha = await git(gitDir, ['log', '-1', '--format=%H', branch, '--', path]);
    return { status: 200, json: sha === '' ? [] : [{ sha }] };
  }
  return problem(404, 'Not Found');
}

async function write(gitDir: string, path: string, body: string): Promise<Given> {
  const parsed = putSchema.safeParse(parseJson(body));
  if (!parsed.success) return problem(422, 'Invalid request.');
  const { message, content, sha } = parsed.data;
  const present = await blobAt(gitDir, path);
  if (present !== undefined && sha === undefined) return problem(422, 'Invalid request.\n\n"sha" wasn\'t supplied.');
  if (present !== sha) return problem(409, `${path} does not match ${sha}`);
  const made = await commit(gitDir, { path, bytes: Buffer.from(content, 'base64'), message });
  return {
    status: present === undefined ? 201 : 200,
    json: { content: { path, sha: await blobAt(gitDir, path) }, commit: { sha: made, message } },
  };
}

/** In lines of 60 characters, as GitHub has it. */
function inBase64(bytes: Buffer) {
  return { encoding: 'base64', content: bytes.toString('base64').replaceAll(/.{60}/g, '$&\n') };
}

async function headOf(gitDir: string): Promise<string | undefined> {
  return git(gitDir, ['rev-parse', '--verify', '--quiet', branch]).catch(() => undefined);
}

async function blobAt(gitDir: string, path: string): Promise<string | undefined> {
  return git(gitDir, ['rev-parse', '--verify', '--quiet', `${branch}:${path}`]).catch(() => undefined);
}

async function contentOf(gitDir: string, sha: string): Promise<Buffer> {
  const { stdout } = await run(gitDir, ['cat-file', 'blob', sha]);
  return stdout;
}

/** One commit on the branch, made with an index of its own, as a bare repository has none. */
async function commit(
  gitDir: string,
  { path, bytes, message }: { path: string; bytes: Buffer; message: string },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'greengrass-itsm-index-'));
  const environment = { GIT_INDEX_FILE: join(folder, 'index') };
  try {
    const head = await headOf(gitDir);
    const blob = await git(gitDir, ['hash-object', '-w', '--stdin'], bytes);
    if (head !== undefined) await git(gitDir, ['read-tree', head], undefined, environment);
    await git(gitDir, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], undefined, environment);
    const tree = await git(gitDir, ['write-tree'], undefined, environment);
    const parents = head === undefined ? [] : ['-p', head];
    const made = await git(gitDir, ['commit-tree', tree, ...parents, '-m', message]);
    // Only from where it was read: two at once do not lose one.
    await git(gitDir, ['update-ref', branch, made, head ?? '0'.repeat(40)]);
    return made;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function git(
  gitDir: string,
  args: readonly string[],
  input?: string | Buffer,
  environment: Record<string, string> = {},
): Promise<string> {
  const { stdout } = await run(gitDir, args, input, environment);
  return stdout.toString('utf8').trim();
}

function run(
  gitDir: string,
  args: readonly string[],
  input: string | Buffer = '',
  environment: Record<string, string> = {},
): Promise<{ stdout: Buffer }> {
  // Not what the machine or the person has set, so that a commit is the same everywhere.
  const person = { NAME: 'Test', EMAIL: 'test@example.com' };
  const env = {
    ...{ PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    ...{ GIT_AUTHOR_NAME: person.NAME, GIT_AUTHOR_EMAIL: person.EMAIL },
    ...{ GIT_COMMITTER_NAME: person.NAME, GIT_COMMITTER_EMAIL: person.EMAIL },
    ...environment,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      ['--git-dir', gitDir, ...args],
      { env, encoding: 'buffer', maxBuffer: largestBody, timeout: 20_000 },
      (error, stdout) => {
        if (error === null) resolve({ stdout });
        else reject(error);
      },
    );
    // Most commands read nothing, and may have ended before.
    child.stdin?.on('error', () => {}).end(input);
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > largestBody) throw new Error('The request is too large.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function respond(response: ServerResponse, { status, json, headers = {}, isLost = false }: Given): void {
  if (isLost) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
