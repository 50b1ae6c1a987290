import { describe, expect, test } from 'vitest';
import { hostCheck, hostInUrl } from './host-check.ts';

const check = hostCheck('192.168.7.20', ['Console.example']);

test.each([
  ['localhost', true],
  ['LOCALHOST:8080', true],
  ['127.0.0.1:8080', true],
  ['[::1]:8080', true],
  ['192.168.7.20:8080', true],
  ['console.example', true],
  ['console.example:443', true],
  ['', true],
  [undefined, true],
  ['evil.example:8080', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example:8080', false],
  ['192.168.7.21:8080', false],
  ['localhost:8080@evil.example', false],
])('Host %s is served: %s', (host, served) => {
  expect(check.isServed(host)).toBe(served);
});

describe('a write', () => {
  const foreign = (origin: string | undefined, host = '127.0.0.1:8080', method = 'POST') =>
    check.isForeignWrite({ method, host, origin });

  test.each([
    ['of the own page', 'http://127.0.0.1:8080', false],
    ['of no page', undefined, false],
    ['of a page behind an allowed name', 'https://console.example', false],
    ['of another local server', 'http://127.0.0.1:3000', true],
    ['of another local name', 'http://localhost:8080', true],
    ['of a foreign page', 'https://evil.example', true],
    ['of a page without an origin', 'null', true],
    ['with an origin that is none', '', true],
  ])('%s (%s) is foreign: %s', (_case, origin, isForeign) => {
    expect(foreign(origin)).toBe(isForeign);
  });

  test('is foreign where Host and Origin agree on a name that is not served', () => {
    expect(foreign('http://evil.example:8080', 'evil.example:8080')).toBe(true);
  });

  test('reads are let through', () => {
    expect(foreign('https://evil.example', undefined, 'GET')).toBe(false);
    expect(foreign('https://evil.example', undefined, 'DELETE')).toBe(true);
  });
});

test('brackets an IPv6 address in a URL', () => {
  expect([hostInUrl('::1'), hostInUrl('[::1]'), hostInUrl('localhost')]).toEqual(['[::1]', '[::1]', 'localhost']);
});
