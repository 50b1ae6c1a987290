import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ApiAnswer, type ApiRequest, maxRequestBytes } from './api.ts';

export type BodyResult =
  | { ok: true; bytes: Uint8Array }
  | { ok: false; reason: 'too-large'; bytes: number }
  | { ok: false; reason: 'aborted' };

/** Reads a request's body up to the instance's bound. Never throws; a client that goes away meanwhile is `aborted`. */
export function readBody(incoming: IncomingMessage): Promise<BodyResult> {
  const declared = Number(incoming.headers['content-length'] ?? 0);
  if (declared > maxRequestBytes) return Promise.resolve({ ok: false, reason: 'too-large', bytes: declared });
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

interface Serialised {
  headers: Record<string, string>;
  bytes: Uint8Array | undefined;
}

function serialise(answer: ApiAnswer): Serialised {
  const { body, headers } = answer;
  switch (body.kind) {
    case 'none':
      return { headers, bytes: undefined };
    case 'json':
      return {
        headers: { ...headers, 'Content-Type': 'application/json;charset=UTF-8' },
        bytes: Buffer.from(JSON.stringify(body.value)),
      };
    case 'bytes':
      return { headers: { ...headers, 'Content-Type': body.contentType }, bytes: body.bytes };
  }
}

/**
 * Sends an answer. `truncated` ends the connection in the middle of the body; `malformed` sends a body of the right
 * length whose end is no JSON.
 */
export function sendAnswer(
  outgoing: ServerResponse,
  answer: ApiAnswer,
  damage: 'none' | 'truncated' | 'malformed' = 'none',
): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  const { headers, bytes } = serialise(answer);
  const length = bytes === undefined ? {} : { 'Content-Length': String(bytes.length) };
  outgoing.writeHead(answer.status, { ...headers, ...length });
  if (bytes === undefined || outgoing.req.method === 'HEAD') {
    outgoing.end();
    return;
  }
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  switch (damage) {
    case 'none':
      outgoing.end(bytes);
      break;
    case 'truncated':
      outgoing.write(half, () => outgoing.destroy());
      break;
    case 'malformed':
      outgoing.end(Buffer.concat([half, Buffer.alloc(bytes.length - half.length, '<')]));
  }
}
