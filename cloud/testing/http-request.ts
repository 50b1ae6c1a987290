import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface HttpRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Bound, ms. */
  limitMs?: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body as it came. */
  bytes: Buffer;
}

/** How much of an answer is read. */
const largestBody = 16 * 1024 * 1024;

/**
 * A request to an HTTP API, a presigned address and the like. Hosts below `localhost`, which the local account gives its
 * APIs, are loopback whatever the resolver of the machine says; `fetch` cannot be told so.
 */
export function http(
  url: string,
  { method = 'GET', headers = {}, body, limitMs = 20_000 }: HttpRequest = {},
): Promise<HttpAnswer> {
  const { protocol, hostname } = new URL(url);
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = send(
      url,
      { method, headers, agent: false, ...addressOf(hostname), signal: AbortSignal.timeout(limitMs) },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestBody) answer.destroy(new Error(`${url} answered with more than ${largestBody} bytes`));
          else chunks.push(chunk);
        });
        answer.once('error', reject);
        answer.once('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes.toString('utf8'), bytes });
        });
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

function addressOf(hostname: string): RequestOptions {
  if (!hostname.endsWith('.localhost')) return {};
  return {
    lookup: (_host, options, found) => {
      if (options.all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
      else found(null, '127.0.0.1', 4);
    },
  };
}
