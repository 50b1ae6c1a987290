import { expect, test } from 'vitest';
import { correlationId } from '../../anomaly/identity.ts';
import { findOpenParameters, findParameters, withoutOtherCase } from './query.ts';

const sysId = '0123456789abcdef0123456789abcdef';
const query = (parameters: URLSearchParams) => parameters.get('sysparm_query');

test('keys and rows share one query, newest first', () => {
  const asked = { correlationIds: ['lab/pi/t/upper', 'lab/pi/h/upper'], sysIds: [sysId], limit: 7 };
  const parameters = findParameters(asked, 'correlation_display');
  expect(query(parameters)).toBe(
    `correlation_idINlab/pi/t/upper,lab/pi/h/upper^NQsys_idIN${sysId}^ORDERBYDESCsys_created_on`,
  );
  expect(parameters.get('sysparm_limit')).toBe('7');
  expect(parameters.get('sysparm_fields')).toContain('correlation_display');
  expect(query(findParameters({ correlationIds: [], sysIds: [sysId], limit: 1 }, 'x'))).toMatch(/^sys_idIN/);
});

test('open ones by prefix and rows that are known share one query', () => {
  const open = 'stateNOT IN6,7,8^correlation_idSTARTSWITHlab/pi/';
  expect(query(findOpenParameters({ prefix: 'lab/pi/', sysIds: [], limit: 1 }, 'x'))).toBe(
    `${open}^ORDERBYDESCsys_created_on`,
  );
  expect(query(findOpenParameters({ prefix: 'lab/pi/', sysIds: [sysId], limit: 1 }, 'x'))).toBe(
    `${open}^NQsys_idIN${sysId}^ORDERBYDESCsys_created_on`,
  );
});

test('names with the signs of a query cannot leave their place', () => {
  const key = { site: 'a^NQactive=true', deviceId: 'b,c', metric: '^ORDERBYx', rule: 'upper' as const };
  const asked = { correlationIds: [correlationId(key)], sysIds: [], limit: 1 };
  expect(query(findParameters(asked, 'x'))).toBe(
    'correlation_idINa%5ENQactive%3Dtrue/b%2Cc/%5EORDERBYx/upper^ORDERBYDESCsys_created_on',
  );
  for (const bad of ['a,b', 'a^b', 'a b', '', 'a\nb']) {
    expect(() => findParameters({ correlationIds: [bad], sysIds: [], limit: 1 }, 'x')).toThrow('percent-encoded');
    expect(() => findOpenParameters({ prefix: bad, sysIds: [], limit: 1 }, 'x')).toThrow('percent-encoded');
  }
  expect(() => findParameters({ correlationIds: [], sysIds: ['x^NQ'], limit: 1 }, 'x')).toThrow();
});

test('rows of a key in other letter case are left out, all others stay', () => {
  const rows = [
    { correlationId: 'lab/Pi/t/upper', sysId: '1' },
    { correlationId: 'lab/pi/t/upper', sysId: '2' },
    { correlationId: 'LAB/pi/t/upper', sysId: '3' },
    { correlationId: 'elsewhere', sysId: '4' },
  ];
  const asked = { correlationIds: ['lab/pi/t/upper'], sysIds: ['3'] };
  expect(withoutOtherCase(rows, asked).map((row) => row.sysId)).toEqual(['2', '3', '4']);
});
