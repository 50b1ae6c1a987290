import { describe, expect, test } from 'vitest';
import { manualTime } from '../../platform/time.ts';
import type { SecretResult, Secrets, ServiceNowCredentials } from '../../secrets/secrets.ts';
import type { HttpOutcome } from './http.ts';
import { createSession } from './session.ts';

function json(status: number, body: unknown = {}): HttpOutcome {
  return {
    kind: 'answered',
    status,
    contentType: 'application/json',
    retryAfter: undefined,
    rateLimitReset: undefined,
    body: JSON.stringify(body),
  };
}

const cut: HttpOutcome = { kind: 'failed', code: 'ECONNRESET', connected: true };

/** A request whose answer the test gives. */
function pending() {
  const sent: { authorization: string; answer: (outcome: HttpOutcome) => void }[] = [];
  return {
    sent,
    send: (authorization: string) => new Promise<HttpOutcome>((answer) => sent.push({ authorization, answer })),
  };
}

function stage(credentials: ServiceNowCredentials) {
  const time = manualTime();
  const forms: Record<string, string>[] = [];
  const current = {
    result: { ok: true, credentials, version: 'v1' } as SecretResult,
    token: (_form: Record<string, string>): HttpOutcome =>
      json(200, { access_token: `token-${forms.length}`, refresh_token: 'refresh-1', expires_in: 1_799 }),
  };
  const secrets: Secrets = { kind: 'test', get: async () => current.result };
  const session = createSession({
    secrets,
    auth: 'auto',
    monotonicMs: () => time.monotonicMs(),
    context: () => ({ what: 'login', addressesRecord: false, wallMs: 0, redacted: (text) => text }),
    async post(form) {
      const fields = Object.fromEntries(form);
      forms.push(fields);
      return current.token(fields);
    },
  });
  return { time, forms, current, session };
}

const basic = { username: 'edge', password: 'canary' };
const oauth = { clientId: 'id', clientSecret: 'canary-client', username: 'edge', password: 'canary' };
const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('credentials that are not proven yet', () => {
  test('are tried by one request; those beside it wait, and go once it was answered', async () => {
    const { session } = stage(basic);
    const { sent, send } = pending();
    const runs = [session.run(send), session.run(send), session.run(send)];
    await tick();
    expect(sent).toHaveLength(1);
    sent[0]?.answer(json(404));
    await tick();
    expect(sent).toHaveLength(3);
    for (const one of sent) one.answer(json(200));
    expect(await Promise.all(runs)).toMatchObject([{ status: 404 }, { status: 200 }, { status: 200 }]);
  });

  test('refused by it, are not sent by those beside it', async () => {
    const { session } = stage(basic);
    const { sent, send } = pending();
    const runs = [session.run(send), session.run(send)];
    await tick();
    sent[0]?.answer(json(401));
    expect(await Promise.all(runs)).toMatchObject([{ status: 401 }, { ok: false, cause: 'unauthenticated' }]);
    expect(sent).toHaveLength(1);
  });

  test.each<[string, HttpOutcome]>([
    ['a cut', cut],
    ['a failing instance', json(503)],
    [
      'a page',
      {
        kind: 'answered',
        status: 200,
        contentType: 'text/html',
        retryAfter: undefined,
        rateLimitReset: undefined,
        body: '',
      },
    ],
  ])('are proven by no %s: those beside it are not sent, the next one tries again alone', async (_, outcome) => {
    const { session } = stage(basic);
    const { sent, send } = pending();
    const runs = [session.run(send), session.run(send)];
    await tick();
    sent[0]?.answer(outcome);
    expect((await Promise.all(runs))[1]).toMatchObject({ ok: false, kind: 'not-sent' });
    const next = [session.run(send), session.run(send)];
    await tick();
    expect(sent).toHaveLength(2);
    sent[1]?.answer(json(200));
    await tick();
    sent[2]?.answer(json(200));
    expect(await Promise.all(next)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });
});

describe('a replaced secret', () => {
  test('is used by a request that was refused with the one before it', async () => {
    const { session, current } = stage(basic);
    const { sent, send } = pending();
    const first = session.run(send);
    await tick();
    current.result = { ok: true, credentials: { username: 'edge', password: 'new' }, version: 'v2' };
    await session.reload();
    sent[0]?.answer(json(401));
    await tick();
    expect(sent[1]?.authorization).toBe(`Basic ${Buffer.from('edge:new').toString('base64')}`);
    sent[1]?.answer(json(200));
    expect(await first).toMatchObject({ status: 200 });
    expect(session.version()).toBe('v2');
  });

  test('of the same version gets one more attempt for each reload', async () => {
    const { session } = stage(basic);
    const refuse = async () => json(401);
    await session.run(refuse);
    expect(await session.run(refuse)).toMatchObject({ ok: false, cause: 'unauthenticated' });
    await session.reload();
    expect(await session.run(refuse)).toMatchObject({ status: 401 });
    expect(await session.run(refuse)).toMatchObject({ ok: false, cause: 'unauthenticated' });
  });

  test('that cannot be read leaves the refused one refused', async () => {
    const { session, current } = stage(basic);
    await session.run(async () => json(401));
    current.result = { ok: false, reason: 'unreachable', message: 'away' };
    expect(await session.reload()).toMatchObject({ ok: false, message: expect.stringContaining('away') });
    expect(await session.run(async () => json(200))).toMatchObject({ ok: false, cause: 'unauthenticated' });
  });
});

describe('OAuth', () => {
  const good = async () => json(200);

  test('a token is used until shortly before its end, then another is asked for by refresh token', async () => {
    const { session, time, forms } = stage(oauth);
    const seen: string[] = [];
    const send = async (authorization: string) => {
      seen.push(authorization);
      return json(200);
    };
    await session.run(send);
    time.advance(1_738_000);
    await session.run(send);
    time.advance(2_000);
    await session.run(send);
    expect(seen).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    expect(forms.map((form) => form['grant_type'])).toEqual(['password', 'refresh_token']);
    expect(forms[1]).toMatchObject({ refresh_token: 'refresh-1', client_id: 'id', client_secret: 'canary-client' });
  });

  test('the rest of a token’s life is halved where it is short, so that it is not asked for at each request', async () => {
    const { session, time, current, forms } = stage(oauth);
    current.token = () => json(200, { access_token: 'same', expires_in: 40 });
    await session.run(good);
    time.advance(19_000);
    await session.run(good);
    expect(forms).toHaveLength(1);
    time.advance(2_000);
    await session.run(good);
    expect(forms).toHaveLength(2);
  });

  test('a refused refresh token is given up for the grant', async () => {
    const { session, time, current, forms } = stage(oauth);
    await session.run(good);
    time.advance(1_800_000);
    const usual = current.token;
    current.token = (form) =>
      form['grant_type'] === 'refresh_token' ? json(401, { error: 'server_error' }) : usual(form);
    expect(await session.run(good)).toMatchObject({ status: 200 });
    expect(forms.map((form) => form['grant_type'])).toEqual(['password', 'refresh_token', 'password']);
  });

  test('a 401 is answered by one other token, and then believed', async () => {
    const { session, forms } = stage(oauth);
    const seen: string[] = [];
    const send = async (authorization: string) => {
      seen.push(authorization);
      return json(401);
    };
    expect(await session.run(send)).toMatchObject({ status: 401 });
    expect(seen).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(await session.run(send)).toMatchObject({ ok: false, cause: 'unauthenticated' });
    expect(forms).toHaveLength(2);
  });

  test('a 401 on a token that the instance gives again is believed at once', async () => {
    const { session, current } = stage(oauth);
    current.token = () => json(200, { access_token: 'same', expires_in: 1_799 });
    let requests = 0;
    await session.run(async () => {
      requests += 1;
      return json(401);
    });
    expect(requests).toBe(1);
  });

  test('many requests whose token has ended share one new token', async () => {
    const { session, forms } = stage(oauth);
    await session.run(good);
    const send = async (authorization: string) => json(authorization === 'Bearer token-1' ? 401 : 200);
    const results = await Promise.all(Array.from({ length: 8 }, () => session.run(send)));
    expect(results.every((result) => 'status' in result && result.status === 200)).toBe(true);
    expect(forms).toHaveLength(2);
  });

  test.each<[string, HttpOutcome, object]>([
    ['denied', json(401, { error: 'server_error', error_description: 'access_denied' }), { cause: 'unauthenticated' }],
    ['invalid grant', json(400, { error: 'invalid_grant' }), { cause: 'unauthenticated' }],
    ['throttled', json(429), { kind: 'throttled' }],
    ['cut', cut, { kind: 'not-sent' }],
    ['500', json(500), { kind: 'not-sent' }],
    ['nonsense', json(200, { token: 1 }), { kind: 'not-sent' }],
  ])('a login that is %s wrote nothing', async (_, outcome, expected) => {
    const { session, current } = stage(oauth);
    current.token = () => outcome;
    expect(await session.run(good)).toMatchObject({ ok: false, ...expected });
  });

  test('without a user the client’s own grant is used', async () => {
    const { session, forms } = stage({ clientId: 'id', clientSecret: 'canary-client' });
    await session.run(good);
    expect(forms).toEqual([{ grant_type: 'client_credentials', client_id: 'id', client_secret: 'canary-client' }]);
  });
});

test('no part of credentials and tokens stays in a text, however it is written', async () => {
  const { session } = stage({ ...oauth, password: 'can"ary/ü', clientSecret: 'can"ary/ü-client' });
  await session.run(async () => json(200));
  const basicHeader = Buffer.from('edge:can"ary/ü').toString('base64');
  const text = `can"ary/ü ${JSON.stringify('can"ary/ü')} ${encodeURIComponent('can"ary/ü')} ${basicHeader} can"ary/ü-client token-1 edge`;
  expect(session.redacted(text)).toBe('[redacted] "[redacted]" [redacted] [redacted] [redacted] [redacted] edge');
});
