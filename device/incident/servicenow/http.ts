import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { TLSSocket } from 'node:tls';
import axios from 'axios';
import { codeOf } from '../../platform/errors.ts';
import type { Time } from '../../platform/time.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH';
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

/** What became of one request. Carries nothing of the request, so that no credential can travel with it. */
export type HttpOutcome =
  | {
      kind: 'answered';
      status: number;
      contentType: string;
      retryAfter: string | undefined;
      rateLimitReset: string | undefined;
      body: string;
    }
  | {
      kind: 'failed';
      /** Code of Node or axios, or `TIMEOUT`, `CLOSED`. */
      code: string;
      /** Whether a connection stood, so that the request may have reached the other side. */
      connected: boolean;
    };

export interface Http {
  /** Failures are outcomes; throws only for a request that cannot be made. */
  send(request: HttpRequest): Promise<HttpOutcome>;
  /** Ends what is under way, and the connections. */
  close(): void;
}

export interface HttpOptions {
  /** Bound of a whole exchange: waiting for a connection, connecting, sending, the whole answer. */
  timeoutMs: number;
  maxResponseBytes: number;
  /** CA of the instance, PEM; undefined trusts the public ones. */
  ca: string | undefined;
  time: Time;
}

/** As many as there can be requests at a time (`delivery.concurrency`). */
const mostSockets = 64;
/** Idle connections are ended here before an instance ends them under a new request, whose end would be ambiguous. */
const idleMs = 4_000;
/** ServiceNow's bound of a request. */
export const maxRequestBytes = 10_485_760;

/** Requests over axios with connections kept alive: no redirects, no proxy of the environment, nothing unbounded. */
export function createHttp({ timeoutMs, maxResponseBytes, ca, time }: HttpOptions): Http {
  const pool = { keepAlive: true, maxSockets: mostSockets, maxTotalSockets: mostSockets, timeout: idleMs };
  const httpAgent = new HttpAgent(pool);
  const httpsAgent = new HttpsAgent({ ...pool, ...(ca === undefined ? {} : { ca }) });
  const underWay = new Set<AbortController>();
  let closed = false;

  return {
    async send({ method, url, headers, body }) {
      if (closed) return { kind: 'failed', code: 'CLOSED', connected: false };
      const abort = new AbortController();
      const watch = { connected: false };
      const timer = time.after(timeoutMs, () => abort.abort('TIMEOUT'));
      underWay.add(abort);
      try {
        const response = await axios.request<string>({
          method,
          url,
          headers,
          data:
            typeof body === 'string' || body === undefined
              ? body
              : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
          signal: abort.signal,
          transport: watchedTransport(url.startsWith('https:'), watch),
          httpAgent,
          httpsAgent,
          proxy: false,
          maxRedirects: 0,
          maxContentLength: maxResponseBytes,
          maxBodyLength: maxRequestBytes,
          responseType: 'text',
          transformRequest: [(data: unknown) => data],
          transformResponse: [(data: unknown) => data],
          validateStatus: () => true,
        });
        const header = (name: string) => {
          const value: unknown = response.headers[name];
          return typeof value === 'string' ? value : undefined;
        };
        return {
          kind: 'answered',
          status: response.status,
          contentType: header('content-type') ?? '',
          retryAfter: header('retry-after'),
          rateLimitReset: header('x-ratelimit-reset'),
          body: response.data,
        };
      } catch (error) {
        const code = abort.signal.aborted ? String(abort.signal.reason) : (codeOf(error) ?? 'UNKNOWN');
        // A request that cannot even be made is a bug. The error at hand carries its headers, so it goes no further.
        if (/^ERR_(BAD_OPTION|BAD_REQUEST|INVALID_URL)/.test(code))
          throw new Error(`${method} cannot be sent: ${code}`);
        return { kind: 'failed', code, connected: watch.connected };
      } finally {
        timer.cancel();
        underWay.delete(abort);
      }
    },
    close() {
      closed = true;
      for (const abort of underWay) abort.abort('CLOSED');
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** Node's own request, watched for the moment from which its bytes may have left. */
function watchedTransport(secure: boolean, watch: { connected: boolean }) {
  return {
    request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
      const request = secure ? httpsRequest(options, onResponse) : httpRequest(options, onResponse);
      request.once('socket', (socket) => {
        const connected = () => {
          watch.connected = true;
        };
        if (!socket.connecting) connected();
        else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', connected);
      });
      return request;
    },
  };
}
