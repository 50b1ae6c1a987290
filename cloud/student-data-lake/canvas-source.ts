import { createHmac } from 'node:crypto';
import { type CanvasSchema, type Credentials, canvasSchema, type FileList, fileListSchema } from './contract.ts';

/** A file that Canvas has begun to send. */
export interface OpenFile {
  body: AsyncIterable<Uint8Array>;
  /** Bytes it has, where the server says so. */
  length: number | undefined;
}

export type Opened = { kind: 'open'; file: OpenFile } | { kind: 'expired' };

/** Where the files come from. All methods throw `SourceError` where a later retry may help. */
export interface CanvasSource {
  listFiles(): Promise<FileList>;
  schema(): Promise<CanvasSchema>;
  /** A signed URL that has ended is answered as `expired`. */
  open(url: string): Promise<Opened>;
}

/** Canvas could not be asked, or did not answer as it says it does. Never has the URL of a file, which is signed. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

export interface CanvasSourceDeps {
  /** `https://api.inshosteddata.com`; plain HTTP only to this machine. */
  endpoint: string;
  credentials(): Promise<Credentials>;
  /** Epoch ms: a signature holds for some minutes. */
  now(): number;
  sleep(ms: number): Promise<void>;
  random(): number;
}

const attempts = 4;
const baseMs = 1_000;
const capMs = 20_000;
const requestLimitMs = 30_000;
/** A file of some hundred megabytes takes minutes. */
const fileLimitMs = 10 * 60_000;
/** All that `open` may take, tries and waits together: the function has 15 minutes, and has to say what it failed with. */
const openLimitMs = 14 * 60_000;
const largestAnswer = 32 * 1024 * 1024;
/** What S3 and its like answer for a signature that has ended, or for what is no more. */
const expiredStatuses = [400, 401, 403, 404, 410];

export function createCanvasSource(deps: CanvasSourceDeps): CanvasSource {
  const { endpoint, now } = deps;

  async function json(path: string): Promise<unknown> {
    const url = new URL(path, endpoint);
    const credentials = await deps.credentials();
    const answer = await send(deps, `GET ${path}`, () =>
      fetch(url, {
        headers: authorisation(url, credentials, new Date(now())),
        redirect: 'error',
        signal: AbortSignal.timeout(requestLimitMs),
      }),
    );
    if (!answer.ok) {
      await answer.body?.cancel();
      const hint = answer.status === 401 || answer.status === 403 ? ': look at the secret of the room' : '';
      throw new SourceError(`Canvas answered GET ${path} with ${answer.status}${hint}.`);
    }
    return parse(path, await bounded(path, answer));
  }

  return {
    listFiles: async () =>
      checked('list of files', fileListSchema.safeParse(await json('/api/account/self/file/sync'))),
    schema: async () => checked('schema', canvasSchema.safeParse(await json('/api/schema/latest'))),
    async open(url) {
      requireAllowed(url, endpoint);
      const until = now() + openLimitMs;
      const answer = await send({ ...deps, until }, 'GET of a file', () =>
        fetch(url, {
          // The bytes as they lie there: their number is compared.
          headers: { 'accept-encoding': 'identity' },
          redirect: 'error',
          signal: AbortSignal.timeout(Math.max(1, Math.min(fileLimitMs, until - now()))),
        }),
      );
      if (answer.ok && answer.body !== null) {
        const length = answer.headers.get('content-length');
        return { kind: 'open', file: { body: answer.body, length: length === null ? undefined : Number(length) } };
      }
      await answer.body?.cancel();
      if (expiredStatuses.includes(answer.status)) return { kind: 'expired' };
      throw new SourceError(`Canvas answered the GET of a file with ${answer.status}.`);
    },
  };
}

/** Tries again, with full jitter or as long as it is told to, what a crowded or broken server answers. */
async function send(
  { sleep, random, now, until = Number.POSITIVE_INFINITY }: CanvasSourceDeps & { until?: number },
  what: string,
  request: () => Promise<Response>,
): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await request().catch(
      (error: unknown) => new SourceError(`${what} failed: ${reasonOf(error)}`, { cause: error }),
    );
    const isRefused = answer instanceof SourceError || answer.status === 429 || answer.status >= 500;
    if (!isRefused) return answer;
    if (attempt === attempts || now() >= until) {
      if (answer instanceof SourceError) throw answer;
      await answer.body?.cancel();
      throw new SourceError(`Canvas answered ${what} with ${answer.status}, ${attempt} times.`);
    }
    const asked = answer instanceof SourceError ? undefined : Number(answer.headers.get('retry-after') ?? 'none');
    if (answer instanceof Response) await answer.body?.cancel();
    const jittered = random() * Math.min(capMs, baseMs * 2 ** attempt);
    await sleep(asked === undefined || !Number.isFinite(asked) ? jittered : Math.min(capMs, asked * 1_000));
  }
}

/** fetch says only that it failed; its cause says why, and neither has the address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/**
 * Canvas Data signs method, host, type, digest, path, query, date and secret, a line each, with HMAC-SHA256.
 * Source: "API authentication" of the Canvas Data documentation.
 */
export function authorisation(url: URL, credentials: Credentials, at: Date): Record<string, string> {
  if ('token' in credentials) return { authorization: `Bearer ${credentials.token}` };
  const date = at.toUTCString();
  const query = [...url.searchParams].map(([key, value]) => `${key}=${value}`).toSorted();
  const lines = ['GET', url.host, 'application/json', '', url.pathname, query.join('&'), date, credentials.api_secret];
  const signature = createHmac('sha256', credentials.api_secret).update(lines.join('\n')).digest('base64');
  return {
    authorization: `HMACAuth ${credentials.api_key}:${signature}`,
    'content-type': 'application/json',
    date,
  };
}

/** A list could name any address, also one inside the network of the function. */
function requireAllowed(url: string, endpoint: string): void {
  const { protocol, host } = new URL(url);
  const base = new URL(endpoint);
  if (protocol === 'https:' || (base.protocol === 'http:' && host === base.host)) return;
  throw new SourceError('Canvas listed a file that is not to be had by HTTPS.');
}

async function bounded(path: string, { body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > largestAnswer)
      throw new SourceError(`Canvas answered GET ${path} with more than ${largestAnswer} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SourceError(`Canvas answered GET ${path} with something that is not JSON.`);
  }
}

function checked<T>(
  what: string,
  parsed:
    | { success: true; data: T }
    | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } },
): T {
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SourceError(
    `The ${what} of Canvas has changed: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}. ` +
      'The room has to learn it first.',
  );
}
