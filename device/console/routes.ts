import { z } from 'zod';
import type { HttpApp } from '../operations/http-server.ts';
import { AppError } from '../platform/errors.ts';
import type { Access, Asking } from './access.ts';
import {
  type ConfigurationInForce,
  type DeadLetters,
  type DeviceSeries,
  type Overview,
  redriveRequest,
  type SilenceRequest,
  type SilenceView,
  silenceRequest,
} from './contract.ts';

/** What the routes answer with. */
export interface ConsoleData {
  overview(): Overview;
  /** Undefined for a device that is not known. */
  series(query: SeriesRange): DeviceSeries | undefined;
  deadLetters(): DeadLetters;
  configuration(): ConfigurationInForce;
  events(): Response;
  /** Answers how many keys go on. */
  redrive(ids: readonly number[] | 'all'): number;
  silence(request: SilenceRequest): SilenceView;
  endSilence(id: string): boolean;
}

const instant = z.coerce.number().int().min(0).max(8.64e15);
const seriesRange = z
  .object({
    site: z.string().max(128),
    device: z.string().max(128),
    from: instant,
    to: instant,
    points: z.coerce.number().int().min(10).max(4_000).default(600),
  })
  .refine(({ from, to }) => from < to, 'from must be before to')
  .transform(({ site, device: deviceId, from: fromMs, to: toMs, points }) => ({
    site,
    deviceId,
    fromMs,
    toMs,
    points,
  }));
export type SeriesRange = z.infer<typeof seriesRange>;

const needsToken =
  'This changes something, so it wants the console’s token: open the link that npm start prints, or paste what is in the file console-token of the handler’s data directory.';
const needsTokenToRead =
  'From another machine the console wants its token: it is in the file console-token of the handler’s data directory.';

/** The console's API. Reading and changing are told apart by method: GET changes nothing. */
export function mountApi(app: HttpApp, access: Access, data: ConsoleData): void {
  app.use('/api/*', async (c, next) => {
    const { headers, socket } = c.env.incoming;
    const { host, authorization, cookie } = headers;
    const asking: Asking = { host, authorization, cookie, remoteAddress: socket.remoteAddress };
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (isRead ? access.mayRead(asking) : access.mayChange(asking)) return next();
    c.header('WWW-Authenticate', 'Bearer');
    return c.json({ error: isRead ? needsTokenToRead : needsToken }, 401);
  });

  app.get('/api/overview', (c) => c.json(data.overview()));
  app.get('/api/events', () => data.events());
  app.get('/api/dead-letters', (c) => c.json(data.deadLetters()));
  app.get('/api/configuration', (c) => c.json(data.configuration()));
  app.get('/api/series', (c) => {
    const range = seriesRange.safeParse(c.req.query());
    if (!range.success) return c.json({ error: sentenceOf(range.error) }, 400);
    const series = data.series(range.data);
    return series === undefined ? c.json({ error: 'There is no such device here.' }, 404) : c.json(series);
  });

  /** Tells a page that its token is the right one, and lets it read from elsewhere. */
  app.post('/api/session', (c) => {
    c.header('Set-Cookie', access.readingCookie());
    return c.json({ mayChange: true });
  });
  app.post('/api/dead-letters/redrive', async (c) => {
    const request = redriveRequest.safeParse(await bodyOf(c.req));
    if (!request.success) return c.json({ error: sentenceOf(request.error) }, 400);
    return c.json({ keys: data.redrive(request.data.ids) });
  });
  app.post('/api/silences', async (c) => {
    const request = silenceRequest.safeParse(await bodyOf(c.req));
    if (!request.success) return c.json({ error: sentenceOf(request.error) }, 400);
    const set = expected(() => data.silence(request.data));
    return set.ok ? c.json(set.value, 201) : c.json({ error: set.error }, set.status);
  });
  app.delete('/api/silences/:id', (c) => {
    const ended = expected(() => data.endSilence(c.req.param('id')));
    if (!ended.ok) return c.json({ error: ended.error }, ended.status);
    return ended.value
      ? c.json({ ended: true })
      : c.json({ error: 'There is no such silence; it may have ended.' }, 404);
  });
}

async function bodyOf(request: { json(): Promise<unknown> }): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
}

function sentenceOf({ issues: [issue] }: z.ZodError): string {
  const where = issue?.path.join('.') ?? '';
  return `${where === '' ? 'The request' : where}: ${issue?.message ?? 'not as expected'}.`;
}

type Expected<T> = { ok: true; value: T } | { ok: false; status: 400 | 503; error: string };

/** What the handler refuses with a sentence is an answer; anything else is a failure. */
function expected<T>(work: () => T): Expected<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { ok: false, status: error.reason === 'bad-silence' ? 400 : 503, error: error.message };
  }
}
