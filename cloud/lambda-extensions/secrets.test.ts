import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AwsFault, fakeAws } from '../testing/fake-aws.ts';
import { createReadSecret } from './read-secret.ts';
import { createSecretCache, type Fetched } from './secret-cache.ts';
import { selectValue, type WantedSecret, wantedSecrets } from './secret-list.ts';
import { fetchSecret } from './secrets.aws.ts';

const secret = (name: string, more: Partial<WantedSecret> = {}): WantedSecret => ({
  ...{ name, id: name, required: false, key: undefined },
  ...more,
});

/** A cache over secrets that a test changes, with a clock that it turns. */
function stage(secrets: readonly WantedSecret[], held: Record<string, Fetched | 'never'>, ttlMs = 60_000) {
  const files = new Map<string, string>([['left-over', 'from before']]);
  const logged: string[] = [];
  const fetched: string[] = [];
  const time = { now: 0 };
  const cache = createSecretCache(
    { secrets, ttlMs },
    {
      async fetch(id) {
        fetched.push(id);
        const answer = held[id] ?? { ok: false, reason: 'not-found' };
        return answer === 'never' ? new Promise(() => undefined) : answer;
      },
      files: {
        write: (name, value) => void files.set(name, value),
        keepOnly: () => files.clear(),
        wipe: () => files.clear(),
      },
      now: () => time.now,
      log: (level, message, fields) => void logged.push(JSON.stringify({ level, message, ...fields })),
    },
  );
  return { cache, files, logged, fetched, time, held };
}

describe('the list of secrets', () => {
  const of = (secrets: { secretname: string; filename?: string; required: boolean }[], prefix = 'team/') =>
    wantedSecrets({ SecretManagers: [{ prefix, secrets }], SecretsHome: '/tmp/secrets', TtlSeconds: 1 });

  test('an id is prefix and name, a file the name or another', () => {
    const wanted = of([
      { secretname: 'a', required: true },
      { secretname: 'b', filename: 'c', required: false },
    ]);
    expect(wanted).toEqual([
      { name: 'a', id: 'team/a', required: true, key: undefined },
      { name: 'c', id: 'team/b', required: false, key: undefined },
    ]);
  });

  test('two secrets of one file are refused', () => {
    expect(() =>
      of([
        { secretname: 'a', required: true },
        { secretname: 'b', filename: 'a', required: false },
      ]),
    ).toThrow('Two secrets would be the file a');
  });

  test('one value of a secret is itself where it is text, else its JSON', () => {
    expect(selectValue('{"a":"x","b":{"c":1}}', 'a')).toEqual({ ok: true, value: 'x' });
    expect(selectValue('{"a":"x","b":{"c":1}}', 'b')).toEqual({ ok: true, value: '{"c":1}' });
    expect(selectValue('{"a":"x"}', 'toString')).toEqual({ ok: false, reason: 'no-such-key' });
    expect(selectValue('no json', 'a')).toEqual({ ok: false, reason: 'not-json' });
  });

  test('any text has a value or a reason, and no reason holds the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.string({ minLength: 1 }), (text, key) => {
        const selected = selectValue(text, key);
        if (!selected.ok) expect(['not-json', 'no-such-key']).toContain(selected.reason);
      }),
    );
  });
});

describe('secrets of an environment', () => {
  test('of several secrets those that can be had are there, and required ones that cannot are told (partial failure)', async () => {
    const { cache, files, logged } = stage([secret('a'), secret('b', { required: true }), secret('c')], {
      a: { ok: true, value: 'value-of-a' },
    });
    expect((await cache.fill()).map(({ name }) => name)).toEqual(['b']);
    expect([...files]).toEqual([['a', 'value-of-a']]);
    expect(logged.filter((line) => line.includes('could not be fetched'))).toHaveLength(2);
    expect(logged.join()).not.toContain('value-of-a');
  });

  test('a value is fetched again when its time is over, not before', async () => {
    const { cache, files, fetched, time, held } = stage([secret('a')], { a: { ok: true, value: 'old' } });
    await cache.fill();
    held['a'] = { ok: true, value: 'new' };
    time.now = 59_999;
    await cache.refresh(60_000);
    expect([fetched.length, files.get('a')]).toEqual([1, 'old']);
    time.now = 60_000;
    await cache.refresh(60_000);
    expect([fetched.length, files.get('a')]).toEqual([2, 'new']);
  });

  test('a fetch that never answers is waited for no longer than told, and the value stays', async () => {
    const { cache, files, fetched, time, held } = stage([secret('a'), secret('b')], {
      a: { ok: true, value: 'old' },
      b: { ok: true, value: 'old' },
    });
    await cache.fill();
    held['a'] = 'never';
    held['b'] = { ok: true, value: 'new' };
    time.now = 60_000;
    await cache.refresh(1);
    expect([files.get('a'), files.get('b')]).toEqual(['old', 'new']);
    await cache.refresh(-1);
    expect(fetched).toEqual(['a', 'b', 'a', 'b']);
  });

  test('a throttled secret keeps its value, is tried again after a tenth of its time, and is logged once (throttle)', async () => {
    const { cache, files, fetched, time, held, logged } = stage([secret('a')], { a: { ok: true, value: 'old' } });
    await cache.fill();
    held['a'] = { ok: false, reason: 'throttled' };
    for (const now of [60_000, 60_001, 65_999, 66_000]) {
      time.now = now;
      await cache.refresh(60_000);
    }
    expect([fetched.length, files.get('a')]).toEqual([3, 'old']);
    expect(logged.filter((line) => line.includes('throttled'))).toHaveLength(1);
    held['a'] = { ok: true, value: 'new' };
    time.now = 72_000;
    await cache.refresh(60_000);
    expect(files.get('a')).toBe('new');
    expect(logged.at(-1)).toContain('secret is there again');
  });

  test('a secret without the wanted value is left out with its reason (poison)', async () => {
    const { cache, files, logged } = stage([secret('a', { key: 'password' }), secret('b')], {
      a: { ok: true, value: 'hunter2, and no JSON' },
      b: { ok: true, value: 'fine' },
    });
    expect(await cache.fill()).toEqual([]);
    expect([...files.keys()]).toEqual(['b']);
    expect(logged.join()).toContain('not-json');
    expect(logged.join()).not.toContain('hunter2');
  });

  test('nothing is left at the end', async () => {
    const { cache, files } = stage([secret('a')], { a: { ok: true, value: 'old' } });
    await cache.fill();
    cache.wipe();
    expect(files.size).toBe(0);
  });
});

describe('Secrets Manager', () => {
  const answered = (answer: () => unknown) => fetchSecret(new SecretsManagerClient(fakeAws(answer)), 'a');

  test('the text of a secret is fetched', async () => {
    expect(await answered(() => ({ SecretString: 'x' }))).toEqual({ ok: true, value: 'x' });
    expect(await answered(() => ({ SecretBinary: 'eA==' }))).toEqual({ ok: false, reason: 'not-text' });
  });

  test.each([
    ['ResourceNotFoundException', 'not-found'],
    ['AccessDeniedException', 'denied'],
    ['ThrottlingException', 'throttled'],
    ['InternalServiceError', 'unavailable'],
  ])('%s is %s', async (fault, reason) => {
    expect(
      await answered(() => {
        throw new AwsFault(fault);
      }),
    ).toEqual({ ok: false, reason });
  });
});

describe('readSecret', () => {
  function reader(file: string | undefined, fetched: Fetched = { ok: true, value: '{"user":"u","password":"p"}' }) {
    const calls: string[] = [];
    const time = { now: 0 };
    const readSecret = createReadSecret([secret('snow-password', { id: 'greengrass-snow-creds', key: 'password' })], {
      readFile: () => file,
      async fetch(id) {
        calls.push(id);
        return fetched;
      },
      now: () => time.now,
    });
    return { readSecret, calls, time };
  }

  test('what the extension has put there is read, and nothing is fetched', async () => {
    const { readSecret, calls } = reader('p');
    expect(await readSecret('snow-password')).toEqual({ value: 'p', from: 'cache' });
    expect(calls).toEqual([]);
  });

  test('where it is not there it is fetched as the configuration says, and kept for a minute', async () => {
    const { readSecret, calls, time } = reader(undefined);
    expect(await readSecret('snow-password')).toEqual({ value: 'p', from: 'secrets-manager' });
    time.now = 59_999;
    await readSecret('snow-password');
    expect(calls).toEqual(['greengrass-snow-creds']);
    time.now = 60_000;
    await readSecret('snow-password');
    expect(calls).toHaveLength(2);
  });

  test('a name that the configuration lacks is the secret’s own', async () => {
    const { readSecret, calls } = reader(undefined);
    await readSecret('team/other');
    expect(calls).toEqual(['team/other']);
  });

  test('what cannot be had is an error that says which and why, and a name that is none is never used', async () => {
    const { readSecret } = reader(undefined, { ok: false, reason: 'denied' });
    await expect(readSecret('snow-password')).rejects.toThrow('The secret snow-password could not be read (denied)');
    await expect(readSecret('../etc/passwd')).rejects.toThrow('denied');
    await expect(readSecret('a\nb')).rejects.toThrow('no name of a secret');
  });
});
