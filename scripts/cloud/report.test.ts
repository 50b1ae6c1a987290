import { describe, expect, it } from 'vitest';
import type { Gap } from '../../cloud/gaps.ts';
import { problemsOf, reportOf, tableOf } from './report.ts';

const passing = ['synth: a', 'nag: b', 'deployed: c', 'triggered: d', 'effect: e', 'rights: f'];
const peers = { templates: 'cdk', account: 'emulator' };

function results(tests: Record<string, Record<string, string>>): unknown {
  return {
    testResults: Object.entries(tests).map(([room, named]) => ({
      name: `cloud/${room}/x.cloud.test.ts`,
      assertionResults: Object.entries(named).map(([title, status]) => ({
        ancestorTitles: [room, 'inner'],
        title,
        status,
      })),
    })),
  };
}

const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'passed']));
const report = (tests: Record<string, Record<string, string>>, gaps: readonly Gap[] = [], rooms = ['lake']) =>
  reportOf({ rooms, results: results(tests), gaps, peers });

describe('the report of the cloud tests', () => {
  it('has a room pass where each column has tests and all of them passed', () => {
    const told = report({ lake: all(passing), other: { 'effect: x': 'failed' } });
    expect(problemsOf(told)).toEqual([]);
    expect(told.rooms[0]).toMatchObject({
      room: 'lake',
      synth: { state: 'pass', tests: ['synth: a'], peer: 'cdk' },
      effect: { state: 'pass', tests: ['effect: e'], peer: 'emulator' },
    });
  });

  it.each(passing)('fails without the test "%s"', (missing) => {
    const told = report({ lake: all(passing.filter((name) => name !== missing)) });
    expect(problemsOf(told)).toEqual([expect.stringMatching(new RegExp(`^lake ${missing.split(':')[0]}: no test`))]);
  });

  it.each(['failed', 'skipped', 'todo', 'pending'])('fails with a test that is %s', (status) => {
    expect(problemsOf(report({ lake: { ...all(passing), 'effect: second': status } }))).toEqual([
      'lake effect: 1 of 2 did not pass',
    ]);
  });

  it('fails where nothing ran, whatever was written', () => {
    for (const nothing of [undefined, {}, 'no JSON']) {
      expect(problemsOf(reportOf({ rooms: ['lake'], results: nothing, gaps: [], peers }))).toHaveLength(6);
    }
  });

  it('names what a test ran against, where its name says so', () => {
    const told = report({ lake: { ...all(passing), 'effect: rows [DuckDB]': 'passed' } });
    expect(told.rooms[0]?.effect.peer).toBe('emulator, DuckDB');
  });

  describe('with a gap', () => {
    const gap: Gap = { id: 'dms', reason: 'no row moves', room: 'lake', cells: ['effect'] };
    const withoutEffect = all(passing.filter((name) => !name.startsWith('effect')));

    it('leaves its cell open as long as the probe holds, with or without other tests', () => {
      const probe = { gaps: { 'probe: dms has no tasks': 'passed' } };
      for (const lake of [withoutEffect, all(passing)]) {
        const told = report({ lake, ...probe }, [gap]);
        expect(told.rooms[0]?.effect).toMatchObject({ state: 'gap', reason: 'no row moves' });
        expect(problemsOf(told)).toEqual([]);
        expect(tableOf(told)).toContain('gap: lake effect: no row moves');
      }
    });

    it('fails once the probe fails, and without a probe', () => {
      const failed = report({ lake: withoutEffect, gaps: { 'probe: dms has no tasks': 'failed' } }, [gap]);
      expect(problemsOf(failed)).toEqual(['lake effect: the probe of dms failed: the account may have learnt it']);
      expect(problemsOf(report({ lake: all(passing) }, [gap]))).toEqual(['lake effect: the probe of dms did not run']);
    });

    it('fails with a failing test of its own, whatever the probe says', () => {
      const tests = { lake: { ...withoutEffect, 'effect: x': 'failed' }, gaps: { 'probe: dms': 'passed' } };
      expect(report(tests, [gap]).rooms[0]?.effect.state).toBe('fail');
    });
  });

  it('is printed as a line a room', () => {
    expect(tableOf(report({ lake: all(passing) }, [], ['lake', 'x'])).split('\n')).toEqual([
      'room  synth   nag     deployed  triggered  effect  rights',
      'lake  pass 1  pass 1  pass 1    pass 1     pass 1  pass 1',
      'x     fail    fail    fail      fail       fail    fail',
    ]);
  });
});
