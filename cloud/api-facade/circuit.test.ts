import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withCircuit } from './circuit.ts';
import type { ProblemKind } from './contract.ts';
import { createIncidentTable, instanceSecret, type TableRequest } from './service-now.ts';
import { jsonFormat } from './table-format.ts';

const request: TableRequest = { method: 'GET', correlationId: 'one' };

describe('the circuit', () => {
  // The library reads the clock itself.
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => vi.useRealTimers());

  /** An instance that ends each request so, and counts them. */
  function instance(kinds: readonly (ProblemKind | 'fine')[]) {
    let asked = 0;
    const table = withCircuit(
      async () => {
        const kind = kinds[Math.min(asked, kinds.length - 1)] ?? 'fine';
        asked += 1;
        return kind === 'fine' ? { ok: true, value: [] } : { ok: false, kind, detail: 'so' };
      },
      { failures: 5, openMs: 30_000 },
    );
    return { table: () => table(request), asked: () => asked };
  }

  test('after five failures in a row nothing is asked for 30 s, then one request tries (partial failure)', async () => {
    const failing: ProblemKind[] = [
      'upstream_busy',
      'upstream_timeout',
      'upstream_auth',
      'upstream_invalid',
      'upstream_unreachable',
    ];
    const { table, asked } = instance([...failing, 'fine']);
    for (const kind of failing) expect(await table()).toMatchObject({ ok: false, kind });
    expect(await table()).toMatchObject({ ok: false, kind: 'upstream_busy', retryAfterSeconds: 30 });
    vi.advanceTimersByTime(29_999);
    expect(await table()).toMatchObject({ ok: false, retryAfterSeconds: 30 });
    expect(asked()).toBe(5);
    vi.advanceTimersByTime(1);
    expect(await table()).toEqual({ ok: true, value: [] });
    expect(await table()).toEqual({ ok: true, value: [] });
    expect(asked()).toBe(7);
  });

  test('a try that fails leaves it alone for another 30 s', async () => {
    const { table, asked } = instance(['upstream_timeout']);
    for (let count = 0; count < 9; count += 1) await table();
    expect(asked()).toBe(5);
    vi.advanceTimersByTime(30_000);
    await table();
    await table();
    expect(asked()).toBe(6);
  });

  test('a secret that cannot be read is a failure of the way: half open, it opens again', async () => {
    let reads = 0;
    const table = withCircuit(
      createIncidentTable({
        fetch: async () => new Response('', { status: 500 }),
        format: jsonFormat,
        readSecret: async () => {
          reads += 1;
          if (reads > 5) throw new Error('AccessDenied');
          return { url: 'https://dev.example.com', username: 'u', password: 'p' };
        },
        timeoutMs: 1_000,
      }),
      { failures: 5, openMs: 30_000 },
    );
    for (let count = 0; count < 5; count += 1) await table(request);
    vi.advanceTimersByTime(30_000);
    expect(await table(request)).toMatchObject({
      kind: 'upstream_unreachable',
      detail: expect.not.stringContaining('AccessDenied'),
      cause: 'secret: Error: AccessDenied',
    });
    expect(await table(request)).toMatchObject({ kind: 'upstream_busy' });
    expect(reads).toBe(6);
  });

  test.each(['not_found', 'refused_by_instance'] as const)('%s says nothing of the instance', async (kind) => {
    const { table, asked } = instance([kind]);
    for (let count = 0; count < 20; count += 1) await table();
    expect(asked()).toBe(20);
  });
});

test.each([
  ['https://dev1.service-now.com', true],
  ['http://127.0.0.1:8080', true],
  ['http://dev1.service-now.com', false],
  ['http://127.0.0.1.evil.net', false],
])('a secret with the address %s is fine: %s', (url, isFine) => {
  expect(instanceSecret.safeParse({ url, username: 'u', password: 'p' }).success).toBe(isFine);
});
