import { z } from 'zod';
import type { ProblemKind } from './contract.ts';
import { type IncidentRecord, incidentRecord, recordFields } from './incident-record.ts';
import type { TableAnswer, TableFormat } from './table-format.ts';

/** Where the instance is, and as whom the facade speaks to it: the secret's text, as JSON. */
export const instanceSecret = z.object({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => isPrivateWay(new URL(url)), 'must be https, as the password goes along; http is for 127.0.0.1')
    .describe('https://NAME.service-now.com'),
  username: z.string().min(1),
  password: z.string().min(1),
});
export type InstanceSecret = z.infer<typeof instanceSecret>;

function isPrivateWay({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

export interface Failure {
  ok: false;
  kind: ProblemKind;
  /** For a person: what the instance said, or what did not come. Never holds credentials. */
  detail: string;
  retryAfterSeconds?: number;
  /** For the operators' log alone: what failed on our side of the way, and how. */
  cause?: string;
}
export type Result<T> = { ok: true; value: T } | Failure;

/** One request to the table of incidents. */
export interface TableRequest {
  method: 'GET' | 'POST' | 'PATCH';
  /** Of the row; the whole table where absent. */
  sysId?: string;
  /** Encoded query and how many rows, of a GET. */
  query?: { encoded: string; limit: number };
  fields?: Readonly<Record<string, string>>;
  /** Goes along as `x-correlation-id`. */
  correlationId: string;
}

/** ServiceNow's table of incidents, over either format. */
export type IncidentTable = (request: TableRequest) => Promise<Result<IncidentRecord[]>>;

export interface IncidentTableDeps {
  fetch: typeof fetch;
  format: TableFormat;
  /** Reads the secret; it may have been rotated since the last call. */
  readSecret(): Promise<InstanceSecret>;
  /** Bound of one request with its answer. */
  timeoutMs: number;
  /** Largest answer that is read, in bytes. */
  largestAnswer?: number;
}

/** A page of 100 incidents with their descriptions is far smaller. */
const fourMegabytes = 4 * 1024 * 1024;

export function createIncidentTable(deps: IncidentTableDeps): IncidentTable {
  const { fetch, format, readSecret, timeoutMs, largestAnswer = fourMegabytes } = deps;
  return async (request) => {
    const secret = await attempt(readSecret);
    if (!secret.ok) return unreachable(`secret: ${secret.sentence}`);
    try {
      const { url, username, password } = secret.value;
      const answer = await fetch(addressOf(url, request), {
        method: request.method,
        // The address is the secret's; credentials go nowhere else.
        redirect: 'error',
        headers: {
          authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
          accept: format.media,
          'x-correlation-id': request.correlationId,
          ...(request.fields === undefined ? {} : { 'content-type': format.media }),
        },
        ...(request.fields === undefined ? {} : { body: format.write(request.fields) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readText(answer, largestAnswer);
      if (text === undefined) return invalid(`an answer of more than ${largestAnswer} bytes`);
      return resultOf(answer, text, format);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        return {
          ok: false,
          kind: 'upstream_timeout',
          detail: `ServiceNow did not answer within ${timeoutMs / 1_000} s. A change may have been made all the same: look before you send it again.`,
          cause: error.name,
        };
      }
      return unreachable(nameOf(error));
    }
  };
}

/** Reads the secret; what it throws is an expected failure of the way, so that the circuit counts it. */
async function attempt<T>(read: () => Promise<T>): Promise<{ ok: true; value: T } | { ok: false; sentence: string }> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    return { ok: false, sentence: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' };
  }
}

/** @param cause is not for callers: it may name hosts of the inside */
function unreachable(cause: string): Failure {
  const detail = 'The connection to ServiceNow failed. Try again later.';
  return { ok: false, kind: 'upstream_unreachable', detail, cause };
}

/** Name and code of what fetch throws; its message may hold the address that the secret has. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { data } = z.object({ code: z.string() }).safeParse(error.cause);
  return data === undefined ? error.name : `${error.name} ${data.code}`;
}

function addressOf(url: string, { sysId, query }: TableRequest): URL {
  const address = new URL(`/api/now/table/incident${sysId === undefined ? '' : `/${sysId}`}`, url);
  address.searchParams.set('sysparm_fields', recordFields.join());
  address.searchParams.set('sysparm_exclude_reference_link', 'true');
  if (query !== undefined) {
    address.searchParams.set('sysparm_query', query.encoded);
    address.searchParams.set('sysparm_limit', String(query.limit));
    address.searchParams.set('sysparm_no_count', 'true');
  }
  return address;
}

async function readText(answer: Response, largest: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength;
    if (size > largest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function resultOf(answer: Response, text: string, format: TableFormat): Result<IncidentRecord[]> {
  const { status } = answer;
  const media = answer.headers.get('content-type') ?? '';
  const parsed = media.includes(format.media.replace('application/', '')) ? format.read(text) : undefined;
  if (status >= 400) return refusal(answer, parsed);
  // A sleeping developer instance answers 200 with a page.
  if (media.includes('html')) {
    return { ok: false, kind: 'upstream_busy', detail: 'The instance hibernates: wake it up.', retryAfterSeconds: 60 };
  }
  const records = z.array(incidentRecord).safeParse([parsed?.result ?? { missing: true }].flat());
  return records.success ? { ok: true, value: records.data } : invalid('an answer that holds no incidents');
}

function refusal(answer: Response, parsed: TableAnswer | undefined): Failure {
  const { status } = answer;
  const said = [parsed?.error?.message, parsed?.error?.detail].filter(Boolean).join(': ').slice(0, 500);
  if (status === 404) return { ok: false, kind: 'not_found', detail: 'ServiceNow has no such incident.' };
  // A business rule or a data policy: the instance's own 403 for a write that it does not want.
  if (status === 400 || (status === 403 && said.startsWith('Operation Failed'))) {
    return { ok: false, kind: 'refused_by_instance', detail: said };
  }
  if (status === 401 || status === 403) {
    return {
      ok: false,
      kind: 'upstream_auth',
      detail: 'Tell the operators of this API; the request itself may be right.',
    };
  }
  if (status === 429 || status === 503) {
    return {
      ok: false,
      kind: 'upstream_busy',
      detail: 'Try again after the seconds in Retry-After.',
      retryAfterSeconds: retryAfter(answer.headers.get('retry-after')),
    };
  }
  return invalid(`status ${status}`);
}

/** Seconds that the instance asks for, within reason; half a minute where it does not say. */
function retryAfter(header: string | null): number {
  const seconds = /^\d{1,6}$/.test(header ?? '') ? Number(header) : 30;
  return Math.min(Math.max(seconds, 1), 3_600);
}

function invalid(what: string): Failure {
  return { ok: false, kind: 'upstream_invalid', detail: `ServiceNow sent ${what}.` };
}
