import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Admission, admit, calm, type SiteWeather } from './storm-guard.ts';

const policy = { keys: 3, windowMs: 1_000 };

function run(openings: { key: string; at: number }[]): { admissions: Admission[]; weather: SiteWeather } {
  let weather: SiteWeather = calm;
  const admissions = openings.map(({ key, at }) => {
    const result = admit(weather, key, at, policy);
    weather = result.weather;
    return result.admission;
  });
  return { admissions, weather };
}

test('as many keys as allowed open incidents of their own, one more begins a storm', () => {
  const openings = ['a', 'b', 'c', 'd'].map((key, at) => ({ key, at }));
  expect(run(openings).admissions).toEqual(['own', 'own', 'own', 'storm-begins']);
});

test('openings that are a window apart, and one key again and again, are no storm', () => {
  expect(run(['a', 'b', 'c', 'd'].map((key, n) => ({ key, at: n * 400 }))).admissions).not.toContain('storm-begins');
  expect(run(['a', 'a', 'a', 'a', 'a'].map((key, at) => ({ key, at }))).admissions).not.toContain('storm-begins');
});

test('everything is held while a storm lasts', () => {
  expect(admit({ state: 'storming', stormId: 'x' }, 'a', 10 ** 9, policy).admission).toBe('held');
});

test('never admits more keys in a window than allowed, and never keeps more than that', () => {
  const opening = fc.record({ key: fc.constantFrom(...'abcdefgh'), step: fc.nat(500) });
  fc.assert(
    fc.property(fc.array(opening), (steps) => {
      let at = 0;
      const openings = steps.map(({ key, step }) => {
        at += step;
        return { key, at };
      });
      const { admissions, weather } = run(openings);
      openings.forEach((last, index) => {
        const inWindow = openings.filter(
          (other, n) => n <= index && admissions[n] === 'own' && other.at > last.at - policy.windowMs,
        );
        expect(new Set(inWindow.map((other) => other.key)).size).toBeLessThanOrEqual(policy.keys);
      });
      if (weather.state === 'calm') expect(weather.openings.length).toBeLessThanOrEqual(policy.keys);
    }),
  );
});
