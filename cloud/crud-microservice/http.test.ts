import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newDevice } from './contract.ts';
import { httpEvent, httpResponse, parseBody } from './http.ts';
import { request } from './test-devices.ts';

test('a request is read whatever the case of its headers, and a body in base64 too', () => {
  const body = JSON.stringify({ title: 'Präs 4' });
  expect(
    httpEvent.parse({
      version: '2.0',
      pathParameters: { id: 'a' },
      queryStringParameters: { limit: '1' },
      headers: { 'Idempotency-Key': 'k' },
      body: Buffer.from(body).toString('base64'),
      isBase64Encoded: true,
    }),
  ).toEqual({ id: 'a', query: { limit: '1' }, headers: { 'idempotency-key': 'k' }, body });
  expect(httpEvent.parse({ headers: {}, isBase64Encoded: false })).toEqual(request());
});

test('an answer without a body says no type, and a problem says its own', () => {
  expect(httpResponse({ status: 204 })).toEqual({ statusCode: 204, headers: {} });
  expect(httpResponse({ status: 200, body: [] })).toMatchObject({ headers: { 'content-type': 'application/json' } });
});

test('whatever the body is, it is a device or an answer of 400 or 413', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), fc.option(fc.string(), { nil: undefined }), (body, title) => {
      const parsed = parseBody(newDevice, request({ body, query: title === undefined ? {} : { title } }));
      if (parsed.ok) expect(newDevice.parse(parsed.value)).toEqual(parsed.value);
      else expect([400, 413]).toContain(parsed.answer.status);
    }),
  );
});
