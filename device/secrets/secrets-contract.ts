import { expect, test } from 'vitest';
import type { Secrets } from './secrets.ts';

export const canary = 'canary-7Jq2"vX\\ü-password';

/** A place that secrets come from, with a hand in it. */
export interface SecretsStage {
  secrets: Secrets;
  /** Puts a text there, as its owner does. */
  put(text: string): Promise<void>;
  /** Readings of the place so far. */
  readings(): number;
}

/** What every adapter of the port keeps. `open` makes a place that holds nothing. */
export function secretsContract(open: () => Promise<SecretsStage>): void {
  const basic = (password: string) => JSON.stringify({ username: 'edge', password });

  test('gives user and password as they stand there', async () => {
    const { secrets, put } = await open();
    await put(basic(canary));
    expect(await secrets.get()).toMatchObject({ ok: true, credentials: { username: 'edge', password: canary } });
  });

  test('gives an OAuth client, with or without a user', async () => {
    const { secrets, put } = await open();
    await put(JSON.stringify({ clientId: 'c', clientSecret: canary }));
    expect(await secrets.get()).toMatchObject({ ok: true, credentials: { clientId: 'c', clientSecret: canary } });
    await put(JSON.stringify({ clientId: 'c', clientSecret: canary, username: 'edge', password: 'p' }));
    expect(await secrets.get({ refresh: true })).toMatchObject({ credentials: { clientId: 'c', username: 'edge' } });
  });

  test('is read once until a refresh; callers at the same time share a reading', async () => {
    const { secrets, put, readings } = await open();
    await put(basic('one'));
    await Promise.all([secrets.get(), secrets.get(), secrets.get()]);
    await put(basic('two'));
    expect(await secrets.get()).toMatchObject({ credentials: { password: 'one' } });
    expect(readings()).toBe(1);
    expect(await secrets.get({ refresh: true })).toMatchObject({ credentials: { password: 'two' } });
    expect(await secrets.get()).toMatchObject({ credentials: { password: 'two' } });
    expect(readings()).toBe(2);
  });

  test('the version changes with the value, and only then, and does not tell it', async () => {
    const { secrets, put } = await open();
    await put(basic(canary));
    const version = async () => {
      const result = await secrets.get({ refresh: true });
      return result.ok ? result.version : expect.unreachable(result.message);
    };
    const first = await version();
    expect(await version()).toBe(first);
    expect(first).not.toContain('canary');
    await put(basic('another'));
    expect(await version()).not.toBe(first);
  });

  test('says that there is none, and finds it once there is', async () => {
    const { secrets, put } = await open();
    expect(await secrets.get()).toMatchObject({ ok: false, reason: 'not-found' });
    await put(basic('p'));
    expect(await secrets.get()).toMatchObject({ ok: true });
  });

  test.each([
    ['no JSON', `{"username":"edge","password":"${'canary-7Jq2'}`],
    ['no password', JSON.stringify({ username: 'edge', pass: canary })],
    ['an empty password', JSON.stringify({ username: 'edge', password: '' })],
    ['a number', '5'],
    ['nothing', ' '],
  ])('says without quoting it that a secret is malformed: %s', async (_, text) => {
    const { secrets, put } = await open();
    await put(text);
    const result = await secrets.get();
    expect(result).toMatchObject({ ok: false, reason: 'malformed' });
    expect(JSON.stringify(result)).not.toContain('canary');
  });

  test('a value that was read stays in use where a refresh fails', async () => {
    const { secrets, put } = await open();
    await put(basic('good'));
    await secrets.get();
    await put('broken');
    expect(await secrets.get({ refresh: true })).toMatchObject({ ok: false });
    expect(await secrets.get()).toMatchObject({ ok: true, credentials: { password: 'good' } });
  });
}
