import { describe, expect, test } from 'vitest';
import { json } from './api.ts';
import { answerFormat, malformed, represented } from './representation.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

describe('format of an answer', () => {
  test.each([
    [null, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/*', 'json'],
    ['application/json', 'json'],
    ['application/json;charset=UTF-8', 'json'],
    ['application/problem+json', 'json'],
    ['application/xml', 'xml'],
    ['text/xml', 'xml'],
    ['text/*', 'xml'],
    ['application/json, application/xml', 'json'],
    ['application/xml, application/json', 'xml'],
    ['application/json;q=0.5, application/xml;q=0.8', 'xml'],
    ['application/xml;q=0, */*;q=0.1', 'json'],
    ['text/csv, application/json', 'json'],
    ['text/csv', undefined],
    ['image/png, text/html', undefined],
    ['application/json;q=0', undefined],
  ])('of Accept %j is %s', (accept, format) => {
    expect(answerFormat(accept)).toBe(format);
  });

  test('a client that accepts neither gets JSON, so that it can read why', () => {
    const answer = json(406, { error: 'x' });
    expect(represented(answer, 'text/csv')).toBe(answer);
  });
});

describe('a malformed body', () => {
  test.each([
    ['application/json', 'application/json;charset=UTF-8'],
    ['application/xml', 'application/xml;charset=UTF-8'],
  ])('in %s has its length and type, and is broken from its middle on', (accept, contentType) => {
    const answer = represented(json(200, { result: { a: 'b' } }), accept);
    const whole = represented(json(200, { result: { a: 'b' } }), accept);
    const { body } = malformed(answer);
    if (body.kind !== 'bytes') throw new Error(body.kind);
    expect(body.contentType).toBe(contentType);
    expect(text(body.bytes)).toMatch(/<+$/);
    expect(body.bytes.length).toBe(
      whole.body.kind === 'bytes' ? whole.body.bytes.length : JSON.stringify({ result: { a: 'b' } }).length,
    );
  });
});
