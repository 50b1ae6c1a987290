import { z } from 'zod';
import type { Problem } from './contract.ts';

/** What the handlers read of a request. */
export interface HttpRequest {
  /** Of the path: `/devices/{id}`. */
  id: string | undefined;
  query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

export interface HttpAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
}

/** What an HTTP API sends, payload format 2.0. */
export const httpEvent = z
  .object({
    pathParameters: z.object({ id: z.string().optional() }).nullish(),
    queryStringParameters: z.record(z.string(), z.string()).nullish(),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.string().nullish(),
    isBase64Encoded: z.boolean().default(false),
  })
  .transform(
    ({ pathParameters, queryStringParameters, headers, body, isBase64Encoded }): HttpRequest => ({
      id: pathParameters?.id,
      query: queryStringParameters ?? {},
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: body && isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : (body ?? undefined),
    }),
  );

/** The answer as an HTTP API takes it. */
export function httpResponse({ status, headers = {}, body }: HttpAnswer) {
  return {
    statusCode: status,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

const titles = {
  400: 'Bad Request',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  503: 'Service Unavailable',
} as const;

export function problemAnswer(
  status: keyof typeof titles,
  detail: string,
  more: { currentVersion?: number; headers?: Readonly<Record<string, string>> } = {},
): HttpAnswer {
  const { headers = {}, ...fields } = more;
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: { status, title: titles[status], detail, ...fields } satisfies Problem,
  };
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; answer: HttpAnswer };

/** No device has as much to say. */
const largestBody = 8_192;

/**
 * The body by its schema. A request without one may say its title in the query, `?title=`, as in the sample of the post.
 * @returns a 400 or 413 where it does not fit.
 */
export function parseBody<S extends z.ZodType>(schema: S, { body, query }: HttpRequest): Parsed<z.output<S>> {
  if (body !== undefined && Buffer.byteLength(body) > largestBody) {
    const detail = `The body has more than ${largestBody} bytes. Send a device, and nothing else.`;
    return { ok: false, answer: problemAnswer(413, detail) };
  }
  const given = jsonOf(body, query['title']);
  if (given === undefined) {
    return {
      ok: false,
      answer: problemAnswer(400, 'The body is no JSON. Send {"title": "…"}, or ?title=… without a body.'),
    };
  }
  const parsed = schema.safeParse(given.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  return { ok: false, answer: problemAnswer(400, `The device does not fit: ${wrong.join('; ')}.`) };
}

function jsonOf(body: string | undefined, legacyTitle: string | undefined): { value: unknown } | undefined {
  if (body === undefined || body === '')
    return legacyTitle === undefined ? undefined : { value: { title: legacyTitle } };
  try {
    return { value: JSON.parse(body) };
  } catch {
    return undefined;
  }
}

export function noDevice(id: string | undefined): HttpAnswer {
  return problemAnswer(
    404,
    `No device has the id ${id?.slice(0, 40) ?? ''}. The list of devices says which there are.`,
  );
}
