import { describe, expect, test } from 'vitest';
import { networkFailure, refusal, unreadable } from './errors.ts';
import type { HttpOutcome } from './http.ts';

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;

const wallMs = Date.parse('2026-03-01T12:00:00Z');
const context = {
  what: 'PATCH incident/1',
  addressesRecord: true,
  wallMs,
  redacted: (text: string) => text.replaceAll('canary', '…'),
};
const json = 'application/json;charset=UTF-8';

function answer(status: number, body: unknown, change: Partial<Answered> = {}): Answered {
  return {
    kind: 'answered',
    status,
    contentType: json,
    retryAfter: undefined,
    rateLimitReset: undefined,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...change,
  };
}

const said = (message: string, detail: string | null = null) => ({ error: { message, detail }, status: 'failure' });

describe('answers', () => {
  test.each<[string, Answered, object | undefined]>([
    ['200 JSON', answer(200, { result: [] }), undefined],
    ['201 JSON', answer(201, { result: {} }), undefined],
    ['200 of another JSON type', answer(200, {}, { contentType: 'application/problem+json' }), undefined],
    [
      '200 hibernation page',
      answer(200, '<html><title>Instance Hibernating page</title>', { contentType: 'text/html;charset=UTF-8' }),
      { kind: 'refused-destination', cause: 'unusable', message: expect.stringContaining('hibernating') },
    ],
    ['200 other page', answer(200, '<html>Welcome', { contentType: 'text/html' }), { kind: 'ambiguous' }],
    ['201 without a type', answer(201, '', { contentType: '' }), { kind: 'ambiguous' }],
    ['204', answer(204, '', { contentType: '' }), { kind: 'ambiguous' }],
    ['302', answer(302, '', { contentType: 'text/html' }), { kind: 'refused-destination', cause: 'unusable' }],
    [
      '401',
      answer(401, said('User Not Authenticated', 'Required to provide Auth information')),
      {
        kind: 'refused-destination',
        cause: 'unauthenticated',
        message:
          'PATCH incident/1: 401 User Not Authenticated: Required to provide Auth information. Check user, password and OAuth client in the secret.',
      },
    ],
    [
      '401 of OAuth',
      answer(401, { error_description: 'access_denied', error: 'server_error' }),
      { cause: 'unauthenticated', message: expect.stringContaining('server_error: access_denied') },
    ],
    [
      '403 rights',
      answer(403, said('Insufficient rights to query records')),
      { kind: 'refused-destination', cause: 'forbidden' },
    ],
    [
      '403 ACL',
      answer(403, said('Operation Failed', 'ACL Exception Update Failed due to security constraints')),
      { kind: 'refused-destination', cause: 'forbidden' },
    ],
    ['403 of a firewall', answer(403, '<html>', { contentType: 'text/html' }), { cause: 'forbidden' }],
    [
      '403 business rule',
      answer(
        403,
        said(
          'Operation Failed',
          "Operation against file 'incident' was aborted by Business Rule 'Stop^1'. Business Rule Stack:Stop",
        ),
      ),
      { kind: 'refused-record', message: expect.stringContaining("Business Rule 'Stop^1'") },
    ],
    [
      '403 data policy',
      answer(
        403,
        said('Operation Failed', 'Data Policy Exception: The following fields are mandatory: Resolution code'),
      ),
      { kind: 'refused-record' },
    ],
    [
      '400 invalid table',
      answer(400, said('Invalid table x', 'Table x does not exist')),
      { kind: 'refused-destination', cause: 'unusable', message: expect.stringContaining('serviceNow.table') },
    ],
    [
      '400 no resource',
      answer(400, said('Requested URI does not represent any resource')),
      { kind: 'refused-destination', cause: 'unusable' },
    ],
    ['400', answer(400, said('Exception while reading request', 'no JSON')), { kind: 'refused-record' }],
    ['404 of a record', answer(404, said('No Record found', "Record doesn't exist or ACL")), { kind: 'gone' }],
    ['404 of something else', answer(404, 'not here', { contentType: 'text/plain' }), { cause: 'unusable' }],
    ['405', answer(405, said('Method not supported')), { cause: 'unusable' }],
    ['408', answer(408, ''), { kind: 'ambiguous' }],
    ['409', answer(409, said('Conflict')), { kind: 'refused-record' }],
    [
      '413',
      answer(413, said('Exception while reading request', 'Rejected large REST payload')),
      { kind: 'refused-record' },
    ],
    ['415', answer(415, said('Unsupported media type')), { kind: 'refused-record' }],
    ['500', answer(500, said('Internal error')), { kind: 'ambiguous' }],
    ['502 of a proxy', answer(502, '<html>', { contentType: 'text/html' }), { kind: 'ambiguous' }],
    ['503', answer(503, ''), { kind: 'ambiguous' }],
    ['503 with a pause', answer(503, '', { retryAfter: '7' }), { kind: 'throttled', retryAfterMs: 7_000 }],
    ['504', answer(504, ''), { kind: 'ambiguous' }],
  ])('%s', (_, given, expected) => {
    const result = refusal(given, context);
    if (expected === undefined) expect(result).toBeUndefined();
    else expect(result).toMatchObject({ ok: false, ...expected });
  });

  test('a 404 where no record was named is the destination’s', () => {
    const list = { ...context, addressesRecord: false };
    expect(refusal(answer(404, said('No Record found')), list)).toMatchObject({ cause: 'unusable' });
  });

  test.each<[string, Partial<Answered>, number]>([
    ['seconds', { retryAfter: '30' }, 30_000],
    ['a date', { retryAfter: 'Sun, 01 Mar 2026 12:02:00 GMT' }, 120_000],
    ['a date that has passed', { retryAfter: 'Sun, 01 Mar 2026 11:00:00 GMT' }, 1_000],
    ['the reset of the rate', { rateLimitReset: String(wallMs / 1_000 + 90) }, 90_000],
    ['both', { retryAfter: '5', rateLimitReset: String(wallMs / 1_000 + 90) }, 5_000],
    ['an hour at most', { retryAfter: '86400' }, 3_600_000],
    ['no number', { retryAfter: 'soon' }, 60_000],
    ['nothing', {}, 60_000],
    ['zero', { retryAfter: '0' }, 1_000],
  ])('429 pauses: %s', (_, change, retryAfterMs) => {
    expect(refusal(answer(429, said('Rate limit exceeded'), change), context)).toMatchObject({
      kind: 'throttled',
      retryAfterMs,
    });
  });

  test('what an instance says is quoted on one line and bounded', () => {
    const result = refusal(answer(400, said('a\nb\u0007c', 'x'.repeat(5_000))), context);
    expect(result?.message).toMatch(/^PATCH incident\/1: 400 a b c: x+…$/);
    expect(result?.message.length).toBeLessThan(350);
  });

  test('credentials are taken out before a quote is cut, so that none is left in half', () => {
    const result = refusal(answer(400, said(`${'x'.repeat(297)}canary`)), context);
    expect(result?.message).not.toContain('can');
  });

  test('an answer that cannot be read may be done', () => {
    expect(unreadable(context, 'it is no JSON')).toEqual({
      ok: false,
      kind: 'ambiguous',
      message: 'PATCH incident/1: the answer cannot be read (it is no JSON); the instance may have done it.',
    });
  });
});

describe('requests without an answer', () => {
  test.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ETIMEDOUT',
    'ECONNRESET',
    'TIMEOUT',
    'CLOSED',
  ])('%s before a connection stood: not sent', (code) => {
    expect(networkFailure({ kind: 'failed', code, connected: false }, context)).toMatchObject({ kind: 'not-sent' });
  });

  test.each([
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'TIMEOUT',
    'CLOSED',
    'ERR_BAD_RESPONSE',
    'HPE_INVALID_CONSTANT',
    'EPROTO',
  ])('%s on a connection: ambiguous', (code) => {
    expect(networkFailure({ kind: 'failed', code, connected: true }, context)).toMatchObject({ kind: 'ambiguous' });
  });

  test.each([
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'EPROTO',
  ])('%s: the destination cannot be used', (code) => {
    const result = networkFailure({ kind: 'failed', code, connected: false }, context);
    expect(result).toMatchObject({
      kind: 'refused-destination',
      cause: 'unusable',
      message: expect.stringContaining('caFile'),
    });
  });
});
