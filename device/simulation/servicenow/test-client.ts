import { request as httpRequest } from 'node:http';
import type { ServiceNow } from './start-servicenow.ts';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** `result` of the answer; undefined where it has none. */
  result: unknown;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  as?: { userName: string; password: string };
}

/** A plain HTTP client for tests of the local ServiceNow; it rejects when the connection is cut. */
export function testClient(serviceNow: ServiceNow) {
  return async (method: string, path: string, options: CallOptions = {}): Promise<Reply> => {
    const { username, password } = serviceNow.credentials;
    const user = options.as ?? { userName: username, password };
    const { body } = options;
    const raw =
      typeof body === 'string' || body instanceof Uint8Array
        ? body
        : body === undefined
          ? undefined
          : JSON.stringify(body);
    return send(serviceNow.url + path, method, raw, {
      authorization: `Basic ${Buffer.from(`${user.userName}:${user.password}`).toString('base64')}`,
      ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    });
  };
}

function send(
  url: string,
  method: string,
  body: string | Uint8Array | undefined,
  headers: Record<string, string>,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    // One connection for each request: a cut in one test is never felt by the next.
    const request = httpRequest(url, { method, agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const received = new Headers();
        for (const [name, value] of Object.entries(response.headers)) received.set(name, String(value));
        resolve({ status: response.statusCode ?? 0, headers: received, text, result: resultOf(text) });
      });
    });
    request.on('error', reject);
    if (body !== undefined && headers['transfer-encoding'] === undefined)
      request.setHeader('content-length', Buffer.byteLength(body));
    request.end(body);
  });
}

function resultOf(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && 'result' in parsed ? parsed.result : undefined;
  } catch {
    return undefined;
  }
}
