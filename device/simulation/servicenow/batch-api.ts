import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { type ApiAnswer, type ApiRequest, json, refusals } from './api.ts';
import { parseJson } from './payload.ts';
import { bytesOf, headersOf, represented } from './representation.ts';

const id = z.union([z.string(), z.number()]).transform(String);
const header = z.object({ name: z.string(), value: z.coerce.string() });

const batchSchema = z.object({
  batch_request_id: id,
  rest_requests: z.array(
    z.object({
      id,
      method: z.string(),
      /** Path and query; a host in it is ignored. */
      url: z.string(),
      headers: z.array(header).default([]),
      /** Base64. */
      body: z.string().nullish(),
      exclude_response_headers: z.boolean().default(false),
    }),
  ),
});

type BatchedRequest = z.output<typeof batchSchema>['rest_requests'][number];

/** Further requests of a batch come back as unserviced, as on an instance that runs out of time for them. */
export const mostServiced = 200;

export interface BatchApiDeps {
  /** Answers a request of the batch, on behalf of whoever sent the batch. */
  handle(request: ApiRequest): ApiAnswer;
  monotonicMs(): number;
}

/** The Batch API: serves requests in their order, each as if it had come alone. */
export function serveBatch(request: ApiRequest, { handle, monotonicMs }: BatchApiDeps): ApiAnswer {
  if (request.method !== 'POST') return refusals.methodNotAllowed(request.method);
  const contentType = request.headers.get('content-type');
  if (contentType !== null && !/\bjson\b/i.test(contentType)) return refusals.unsupportedMediaType(contentType);
  const batch = batchSchema.safeParse(parseJson(request.body));
  if (!batch.success) return refusals.invalidPayload('JSON');
  const { batch_request_id, rest_requests } = batch.data;
  return json(200, {
    batch_request_id,
    serviced_requests: rest_requests.slice(0, mostServiced).map(serviced),
    unserviced_requests: rest_requests.slice(mostServiced).map((one) => one.id),
  });

  function serviced(one: BatchedRequest) {
    const begunAt = monotonicMs();
    const inner = toRequest(one, request.baseUrl);
    const answer = inner === undefined ? refusals.noSuchResource() : handle(inner);
    const shown = represented(answer, inner?.headers.get('accept') ?? null);
    return {
      id: one.id,
      status_code: answer.status,
      status_text: STATUS_CODES[answer.status] ?? '',
      body: Buffer.from(bytesOf(shown) ?? []).toString('base64'),
      headers: one.exclude_response_headers
        ? []
        : Object.entries(headersOf(shown)).map(([name, value]) => ({ name, value })),
      execution_time: Math.round(monotonicMs() - begunAt),
    };
  }
}

/** Undefined where address or headers are none. */
function toRequest(one: BatchedRequest, baseUrl: string): ApiRequest | undefined {
  try {
    const url = new URL(one.url, baseUrl);
    return {
      method: one.method.toUpperCase(),
      path: url.pathname,
      query: url.searchParams,
      headers: new Headers(one.headers.map(({ name, value }): [string, string] => [name, value])),
      body: Buffer.from(one.body ?? '', 'base64'),
      baseUrl,
    };
  } catch {
    return undefined;
  }
}
