import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { assetResponse, documentResponse, pageAssets } from '../../../pages/assets.ts';
import type { Time } from '../../../platform/time.ts';
import type { Accounts } from '../accounts.ts';
import type { Identity } from '../api.ts';
import { readBody } from '../http-edge.ts';
import type { LiveChanges } from './live-changes.ts';
import { createLoginGuard } from './login-guard.ts';
import { type Session, type Sessions, sessionCookie, sessionIdOf } from './sessions.ts';

export interface ReviewAppDeps {
  accounts: Accounts;
  sessions: Sessions;
  changes: LiveChanges;
  identityOf: (userName: string) => Identity | undefined;
  /** Real time, for the pause after wrong passwords. */
  time: Time;
}

const loginInput = z.strictObject({ userName: z.string().min(1).max(80), password: z.string().min(1).max(256) });
const longestLoginBytes = 4_096;

/** What may follow `/incident/`: a sys_id or a number. */
const recordName = /^[A-Za-z0-9]{1,40}$/;

/**
 * The incident review page: `/` lists, `/incident/<sys_id or number>` shows one; `/login`, `/logout`, `/session` and
 * `/events` are for its script, which reads and writes by the Table API. Links of an instance are redirected to it.
 */
export function createReviewApp(deps: ReviewAppDeps): Hono<{ Bindings: HttpBindings }> {
  const { accounts, sessions, changes, identityOf } = deps;
  const guard = createLoginGuard(deps.time);
  const app = new Hono<{ Bindings: HttpBindings }>();

  const document = async () => documentResponse(await pageAssets('review'));
  app.get('/', document);
  app.get('/incident/:name', document);
  app.get('/assets/:file', async (c) => assetResponse(await pageAssets('review'), c.req.param('file')) ?? c.notFound());

  app.get('/nav_to.do', (c) => c.redirect(pathOf(c.req.query('uri') ?? '')));
  app.get('/incident.do', (c) => c.redirect(pathOf(`incident.do${new URL(c.req.url).search}`)));
  app.get('/incident_list.do', (c) => c.redirect(pathOf(`incident_list.do${new URL(c.req.url).search}`)));

  app.post('/review/login', async (c) => {
    const pauseMs = guard.pauseMs();
    if (pauseMs > 0) {
      const seconds = String(Math.ceil(pauseMs / 1_000));
      return c.json({ error: `Too many wrong passwords. Try again in ${seconds} s.` }, 429, { 'Retry-After': seconds });
    }
    if (Number(c.req.header('content-length') ?? 0) > longestLoginBytes) return c.json({ error: 'Too large.' }, 413);
    const body = await readBody(c.env.incoming);
    const input = loginInput.safeParse(body.ok ? parseJson(body.bytes) : undefined);
    if (!input.success) return c.json({ error: 'Enter a user name and a password.' }, 400);
    const { userName, password } = input.data;
    const identity = (await accounts.verify(userName, password)) ? identityOf(userName) : undefined;
    if (identity === undefined) {
      guard.failed();
      return c.json({ error: 'User name or password is wrong.' }, 401);
    }
    sessions.close(sessionIdOf(c.req.header('cookie')) ?? '');
    const id = sessions.open(userName);
    c.header('Set-Cookie', sessionCookie(id));
    return c.json(sessionView(identity, sessions.use(id)));
  });

  app.post('/review/logout', (c) => {
    sessions.close(sessionIdOf(c.req.header('cookie')) ?? '');
    c.header('Set-Cookie', sessionCookie(''));
    return c.body(null, 204);
  });

  app.get('/review/session', (c) => {
    const session = sessions.use(sessionIdOf(c.req.header('cookie')) ?? '');
    const identity = session === undefined ? undefined : identityOf(session.userName);
    c.header('Cache-Control', 'no-store');
    return c.json(identity === undefined ? null : sessionView(identity, session));
  });

  app.get('/review/events', (c) => {
    const id = sessionIdOf(c.req.header('cookie')) ?? '';
    if (sessions.peek(id) === undefined) return c.json({ error: 'Nobody is logged in.' }, 401);
    return changes.open(() => sessions.peek(id) !== undefined);
  });

  return app;
}

const sessionView = ({ userName, sysId, displayName, roles }: Identity, session: Session | undefined) => ({
  userName,
  sysId,
  name: displayName,
  mayWrite: roles.has('admin') || roles.has('itil'),
  userToken: session?.userToken ?? '',
});

/** Where a link of an instance leads here; a stranger's target leads to the list. */
export function pathOf(uri: string): string {
  const target = /^\/?(incident|incident_list)\.do\?(.*)$/s.exec(uri);
  const query = new URLSearchParams(target?.[2] ?? '');
  if (target?.[1] === 'incident') {
    const sysId = query.get('sys_id') ?? '';
    return recordName.test(sysId) ? `/incident/${sysId}` : '/';
  }
  const encoded = query.get('sysparm_query');
  return target === null || encoded === null ? '/' : `/?${new URLSearchParams({ sysparm_query: encoded })}`;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
