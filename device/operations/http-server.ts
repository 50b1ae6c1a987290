import type { Server } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { hostCheck, hostInUrl } from '../platform/host-check.ts';
import { listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logger.ts';

export type HttpApp = Hono<{ Bindings: HttpBindings }>;

export interface HttpServerOptions {
  host: string;
  /** 0 takes any free one, -1 makes a server that is never there. */
  port: number;
  /** Host names that are answered besides loopback's and `host`. */
  allowedHosts: readonly string[];
  logger: Logger;
  /** Who listens, for sentences: `the sensor monitor’s health and metrics`. */
  name: string;
  /** The field that chooses the port, for the sentence when it is taken: `http.monitorPort`. */
  portOption: string;
}

export interface HttpServer {
  /** Routes are mounted here before `start`. */
  readonly app: HttpApp;
  /** @throws AppError `port-in-use`, `listen-failed` */
  start(): Promise<void>;
  /** Ends open connections too; idempotent. */
  stop(): Promise<void>;
  /** Base URL while it listens. */
  url(): string | undefined;
}

const limits = {
  headerBytes: 16_384,
  bodyBytes: 65_536,
  headersMs: 10_000,
  requestMs: 30_000,
  /** A connection on which nothing moves; a stream has to say something more often. */
  idleMs: 60_000,
  keepAliveMs: 10_000,
  connections: 64,
} as const;

/** Given to every answer that has none of its own. */
const securityHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** The HTTP server of a component: who may ask and how much is checked here, what is answered by the routes mounted. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { host, port, logger } = options;
  const app = guardedApp(options);
  let server: Server | undefined;
  let boundPort: number | undefined;

  return {
    app,
    async start() {
      if (port === -1 || server !== undefined) return;
      server = boundedServer(app);
      boundPort = await listen(server, { host, port, what: options.name, portOption: options.portOption });
      logger.info({ url: urlOf(host, boundPort) }, 'http server listens');
    },
    async stop() {
      const closing = server;
      server = undefined;
      boundPort = undefined;
      if (closing === undefined) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
    url: () => (boundPort === undefined ? undefined : urlOf(host, boundPort)),
  };
}

function guardedApp({ host, allowedHosts, logger }: HttpServerOptions): HttpApp {
  const check = hostCheck(host, allowedHosts);
  const app: HttpApp = new Hono();
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) {
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    }
  });
  app.use(async (c, next) => {
    const { method = '', headers } = c.env.incoming;
    if (!check.isServed(headers.host)) {
      return c.text('This host name is not served here. Add it to http.allowedHosts if it should be.\n', 421);
    }
    if (check.isForeignWrite({ method, host: headers.host, origin: headers.origin })) {
      return c.text('Pages of another origin may not write here.\n', 403);
    }
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: limits.bodyBytes,
      onError: (c) => c.text(`A request has at most ${limits.bodyBytes} bytes.\n`, 413),
    }),
  );
  app.notFound((c) => c.text('There is nothing here.\n', 404));
  app.onError((error, c) => {
    logger.error({ err: error, path: c.req.path }, 'http request failed');
    return c.text('This request failed; the log says why.\n', 500);
  });
  return app;
}

function boundedServer(app: HttpApp): Server {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
    },
  });
  if (!('closeAllConnections' in server)) throw new Error('expected an HTTP/1 server');
  server.maxConnections = limits.connections;
  server.timeout = limits.idleMs;
  return server;
}

function urlOf(host: string, port: number): string {
  return `http://${hostInUrl(host)}:${port}`;
}
