import { describe, expect, test } from 'vitest';
import { manualTime } from '../../../platform/time.ts';
import { createLoginGuard } from './login-guard.ts';
import { createSessions, sessionCookie, sessionIdOf, sessionLimits } from './sessions.ts';

describe('sessions of the review page', () => {
  test('end when they are idle too long, which a use puts off and a look does not', () => {
    const time = manualTime();
    const sessions = createSessions(time);
    const id = sessions.open('admin');
    time.advance(sessionLimits.idleMs - 1);
    expect(sessions.use(id)?.userName).toBe('admin');
    time.advance(sessionLimits.idleMs - 1);
    expect(sessions.peek(id)?.userName).toBe('admin');
    time.advance(1);
    expect([sessions.peek(id), sessions.use(id)]).toEqual([undefined, undefined]);
  });

  test('end at a certain age, however much they are used', () => {
    const time = manualTime();
    const sessions = createSessions(time);
    const id = sessions.open('admin');
    for (let age = 0; age < sessionLimits.longestMs - 3_600_000; age += 3_600_000) {
      time.advance(3_600_000);
      expect(sessions.use(id)).toBeDefined();
    }
    time.advance(3_600_000);
    expect(sessions.use(id)).toBeUndefined();
  });

  test('are bounded in number: the one idle longest ends', () => {
    const sessions = createSessions(manualTime());
    const ids = Array.from({ length: sessionLimits.mostSessions }, () => sessions.open('admin'));
    const [first = '', second = ''] = ids;
    sessions.use(first);
    sessions.open('admin');
    expect([sessions.peek(first) !== undefined, sessions.peek(second) !== undefined]).toEqual([true, false]);
  });

  test('end by a logout, and each has its own tokens', () => {
    const sessions = createSessions(manualTime());
    const [one, other] = [sessions.open('admin'), sessions.open('admin')];
    expect(sessions.peek(one)?.userToken).not.toBe(sessions.peek(other)?.userToken);
    sessions.close(one);
    expect(sessions.use(one)).toBeUndefined();
    expect(sessions.use(other)).toBeDefined();
  });

  test('travel in a cookie that no script reads and no other site sends', () => {
    expect(sessionCookie('abc')).toBe('servicenow_session=abc; Path=/; HttpOnly; SameSite=Strict');
    expect(sessionIdOf('a=1; servicenow_session=abc; b=2')).toBe('abc');
    expect([sessionIdOf('xservicenow_session=abc'), sessionIdOf('servicenow_session='), sessionIdOf(null)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('after ten wrong passwords within a minute none is looked at until the first is a minute old', () => {
  const time = manualTime();
  const guard = createLoginGuard(time);
  for (let n = 0; n < 10; n += 1) {
    expect(guard.pauseMs()).toBe(0);
    guard.failed();
    time.advance(1_000);
  }
  expect(guard.pauseMs()).toBe(50_000);
  time.advance(50_000);
  expect(guard.pauseMs()).toBe(0);
});
