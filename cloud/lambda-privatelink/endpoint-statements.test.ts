import { expect, test } from 'vitest';
import { statementsFor } from './test-endpoint-statements.ts';

const caller = 'arn:aws:iam::111122223333:role/gateway';
const other = 'arn:aws:iam::111122223333:role/other';
const statement = (fields: Record<string, unknown>) => ({
  Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: 'live', ...fields }],
});
const forCaller = (fields: Record<string, unknown>) => statementsFor(caller, statement(fields), String);
const nothing = [{ Effect: 'Deny', Action: 'lambda:InvokeFunction', Resource: '*' }];

test.each([
  ['everybody', '*'],
  ['everybody of AWS', { AWS: '*' }],
  ['a list with everybody', { AWS: [other, '*'] }],
  ['the caller', { AWS: caller }],
  ['a list with the caller', { AWS: [other, caller] }],
  ['the whole account', { AWS: 'arn:aws:iam::111122223333:root' }],
  ['the account by its id', { AWS: '111122223333' }],
])('a statement for %s applies to the caller', (_, Principal) => {
  expect(forCaller({ Principal })).toEqual([{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: ['live'] }]);
});

test.each([
  ['another', { AWS: other }],
  ['others', { AWS: [other, `${caller}2`] }],
  ['nobody', { AWS: [] }],
])('a statement for %s does not, and what is left allows nothing', (_, Principal) => {
  expect(forCaller({ Principal })).toEqual(nothing);
});

test('a statement keeps its conditions, and each of its resources', () => {
  const Condition = { StringNotEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } };
  expect(forCaller({ Principal: '*', Effect: 'Deny', Resource: ['live', 'next'], Condition })).toEqual([
    { Effect: 'Deny', Action: 'lambda:InvokeFunction', Resource: ['live', 'next'], Condition },
  ]);
});

test('a statement that is read here wrongly, and a policy that is missing, are refused', () => {
  expect(() => forCaller({ NotPrincipal: { AWS: caller } })).toThrow('Principal');
  expect(() => forCaller({ Principal: '*', NotAction: 'lambda:InvokeFunction' })).toThrow('NotAction');
  expect(() => statementsFor(caller, undefined, String)).toThrow('expected object');
});
