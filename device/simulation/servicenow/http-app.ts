import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { HostCheck } from '../../platform/host-check.ts';
import type { Logger } from '../../platform/logger.ts';
import { type ApiAnswer, type ApiRequest, refusals } from './api.ts';
import type { Exchange } from './exchange.ts';
import { readBody, toApiRequest, toResponse } from './http-edge.ts';

export interface HttpAppDeps {
  exchange: Exchange;
  /** Pages and their logins, before all other paths. */
  review: Hono<{ Bindings: HttpBindings }>;
  admin: (request: ApiRequest) => ApiAnswer;
  hostCheck: HostCheck;
  logger: Logger;
  origin: () => string;
}

/** Paths of the server: the review page, `/admin` for tests, everything else is the instance. */
export function createHttpApp({
  exchange,
  review,
  admin,
  hostCheck,
  logger,
  origin,
}: HttpAppDeps): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (c, next) => {
    const { method = '', headers } = c.env.incoming;
    if (!hostCheck.isServed(headers.host)) return c.text('This host name is not served here.\n', 421);
    if (hostCheck.isForeignWrite({ method, host: headers.host, origin: headers.origin })) {
      return c.text('Pages of another origin may not write here.\n', 403);
    }
    return next();
  });
  app.route('/', review);
  app.all('/admin/*', async (c) => {
    const body = await readBody(c.env.incoming);
    if (body.ok) return toResponse(admin(toApiRequest(c.env.incoming, body.bytes, origin())));
    return body.reason === 'too-large' ? toResponse(refusals.tooLarge(body.bytes)) : RESPONSE_ALREADY_SENT;
  });
  app.all('*', async (c) => {
    const answer = await exchange.serve(c.env.incoming, c.env.outgoing);
    return answer === undefined ? RESPONSE_ALREADY_SENT : toResponse(answer);
  });
  app.onError((error) => {
    logger.error({ err: error }, 'request failed');
    return toResponse(refusals.serverError(500));
  });
  return app;
}
