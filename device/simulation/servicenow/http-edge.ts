import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ApiAnswer, type ApiRequest, maxRequestBytes } from './api.ts';
import { bytesOf, headersOf } from './representation.ts';

export type BodyResult =
  | { ok: true; bytes: Uint8Array }
  | { ok: false; reason: 'too-large'; bytes: number }
  | { ok: false; reason: 'aborted' };

/** Reads a request's body up to the instance's bound. Never throws; a client that goes away meanwhile is `aborted`. */
export function readBody(incoming: IncomingMessage): Promise<BodyResult> {
  const declared = Number(incoming.headers['content-length'] ?? 0);
  if (declared > maxRequestBytes) {
    // What still comes is thrown away, so that the client gets to read the refusal.
    incoming.resume();
    return Promise.resolve({ ok: false, reason: 'too-large', bytes: declared });
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxRequestBytes) resolve({ ok: false, reason: 'too-large', bytes: size });
      else chunks.push(chunk);
    });
    incoming.on('end', () => resolve({ ok: true, bytes: Buffer.concat(chunks) }));
    incoming.on('error', () => resolve({ ok: false, reason: 'aborted' }));
    incoming.on('close', () => resolve({ ok: false, reason: 'aborted' }));
  });
}

/** The request as the instance sees it. `origin` is used where the client sent no Host. */
export function toApiRequest(incoming: IncomingMessage, body: Uint8Array, origin: string): ApiRequest {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const { host } = incoming.headers;
  const target = incoming.url ?? '/';
  const url = new URL(`${origin}${target.startsWith('/') ? target : '/'}`);
  const claimed = host === undefined ? origin : `${url.protocol}//${host}`;
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body,
    baseUrl: URL.canParse(claimed) ? new URL(claimed).origin : origin,
  };
}

export function toResponse(answer: ApiAnswer): Response {
  const bytes = bytesOf(answer);
  const length: Record<string, string> = bytes === null ? {} : { 'Content-Length': String(bytes.length) };
  return new Response(bytes, { status: answer.status, headers: { ...headersOf(answer), ...length } });
}

/** Sends half of the body under the length of the whole, then ends the connection. False where there is no body. */
export function sendTruncated(outgoing: ServerResponse, answer: ApiAnswer): boolean {
  const bytes = bytesOf(answer);
  if (bytes === null) return false;
  if (outgoing.destroyed) return true;
  outgoing.writeHead(answer.status, { ...headersOf(answer), 'Content-Length': String(bytes.length) });
  outgoing.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => outgoing.destroy());
  return true;
}
