import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Configuration, createConfigurationCache } from './configuration-cache.ts';
import { defaultSettings } from './contract.ts';
import { createCurrentSettings } from './current-settings.ts';

const path = { application: 'a', environment: 'e', profile: 'p' };
const version = (content: string): Configuration => ({ content, contentType: 'application/json', version: undefined });

/** AppConfig as sessions see it: what is in force, told once to each session; `fails` while it is set. */
function stage(intervalMs = 45_000) {
  const world: { inForce: string; fails?: Error; now: number } = { inForce: 'one', now: 0 };
  const calls: string[] = [];
  const sessions = new Map<string, string>();
  let tokens = 0;
  const newToken = () => {
    tokens += 1;
    return `t${tokens}`;
  };
  const cache = createConfigurationCache(
    { intervalMs },
    {
      now: () => world.now,
      source: {
        async start() {
          calls.push('start');
          if (world.fails !== undefined) throw world.fails;
          const token = newToken();
          sessions.set(token, '');
          return token;
        },
        async latest(token) {
          calls.push(`latest ${token}`);
          if (world.fails !== undefined) throw world.fails;
          const told = sessions.get(token);
          if (told === undefined) throw new Error('this token is spent');
          sessions.delete(token);
          const next = newToken();
          sessions.set(next, world.inForce);
          return { token: next, changed: told === world.inForce ? undefined : version(world.inForce) };
        },
      },
    },
  );
  const content = async () => {
    const answered = await cache.get(path);
    return answered.ok ? answered.configuration.content : answered.reason;
  };
  return { world, calls, cache, content };
}

describe('the agent', () => {
  test('a new version is seen after the interval, by the same session', async () => {
    const { world, calls, content } = stage();
    expect([await content(), await content()]).toEqual(['one', 'one']);
    world.inForce = 'two';
    world.now = 44_999;
    expect(await content()).toBe('one');
    world.now = 45_000;
    expect(await content()).toBe('two');
    world.now = 90_000;
    // Told as unchanged, which AppConfig says by an empty answer.
    expect(await content()).toBe('two');
    expect(calls).toEqual(['start', 'latest t1', 'latest t2', 'latest t3']);
  });

  test('callers of one moment use a token once (duplicate)', async () => {
    const { calls, content } = stage();
    expect(await Promise.all([content(), content(), content()])).toEqual(['one', 'one', 'one']);
    expect(calls).toEqual(['start', 'latest t1']);
  });

  test('while AppConfig fails the last version is answered, then a new session begins', async () => {
    const { world, calls, content } = stage();
    await content();
    world.fails = new Error('away');
    world.now = 45_000;
    expect(await content()).toBe('one');
    delete world.fails;
    world.inForce = 'two';
    world.now = 90_000;
    expect(await content()).toBe('two');
    expect(calls).toEqual(['start', 'latest t1', 'latest t2', 'start', 'latest t3']);
  });

  test('what was never had is asked for each time, and told as missing or away', async () => {
    const { world, content } = stage();
    world.fails = new Error('away');
    expect(await content()).toBe('unavailable');
    world.fails.name = 'ResourceNotFoundException';
    expect(await content()).toBe('not-found');
    delete world.fails;
    expect(await content()).toBe('one');
  });

  test('no more than twenty configurations are kept', async () => {
    const { cache } = stage();
    for (let at = 0; at < 20; at += 1) await cache.get({ ...path, profile: `p${at}` });
    expect(await cache.get({ ...path, profile: 'one-more' })).toEqual({ ok: false, reason: 'too-many' });
    expect(await cache.get({ ...path, profile: 'p0' })).toMatchObject({ ok: true });
  });
});

describe('the function', () => {
  const verbose = { loglevel: 'verbose', tempLimit: 27.5, humidLimit: 60 };

  test('goes by the defaults until it has read settings, and says that they are stale', () => {
    const current = createCurrentSettings();
    expect(current({ ok: false, reason: 'no-agent' })).toEqual({
      ...defaultSettings,
      ...{ stale: true, reason: 'no-agent' },
    });
    expect(current({ ok: true, text: JSON.stringify(verbose) })).toEqual(verbose);
    expect(current({ ok: false, reason: 'no-agent' })).toEqual({ ...verbose, stale: true, reason: 'no-agent' });
    expect(current({ ok: true, text: JSON.stringify(defaultSettings) })).toEqual(defaultSettings);
  });

  test('a version that is no settings leaves those in force that were (poison)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const current = createCurrentSettings();
        current({ ok: true, text: JSON.stringify(verbose) });
        expect(current({ ok: true, text })).toMatchObject({ ...verbose, stale: true });
      }),
    );
  });
});
