import { describe, expect, test } from 'vitest';
import { operationOf } from './operation.ts';
import { extendedConstraint } from './stack-set-constraint.ts';

describe('a product in an account', () => {
  const request = { regions: ['eu-west-1', 'us-east-1'], dependsOn: [], deployIfNotExist: true };
  const stackSet = (...regions: string[]) => ({ type: 'CFN_STACKSET', regions });

  test.each([
    ['is not there', {}, undefined, { kind: 'deploy', regions: ['eu-west-1', 'us-east-1'] }],
    ['is not there, and is not to be', { deployIfNotExist: false }, undefined, { kind: 'skip' }],
    [
      'is there',
      {},
      stackSet('us-east-1', 'eu-west-1'),
      { kind: 'update', operation: 'UPDATE', regions: ['eu-west-1', 'us-east-1'] },
    ],
    [
      'is there in a part of its regions',
      { deployIfNotExist: false },
      stackSet('us-east-1'),
      { operation: 'UPDATE', regions: ['us-east-1'] },
    ],
    ['is there in none of its regions', { deployIfNotExist: false }, stackSet('eu-west-3'), { kind: 'skip' }],
    [
      'is to have new regions alone',
      {},
      stackSet('eu-west-3'),
      { operation: 'CREATE', regions: ['eu-west-1', 'us-east-1'] },
    ],
    [
      'is to have new regions, and to be updated',
      {},
      stackSet('us-east-1'),
      { kind: 'refuse', why: expect.stringContaining('adding eu-west-1 and updating us-east-1') },
    ],
    [
      'is to have new regions, and depends on another',
      { dependsOn: ['iam'] },
      stackSet('eu-west-3'),
      { kind: 'refuse', why: expect.stringContaining('dependson') },
    ],
    [
      'has no stack there yet, and depends on another',
      { dependsOn: ['iam'] },
      stackSet(),
      { kind: 'update', operation: 'CREATE', regions: ['eu-west-1', 'us-east-1'] },
    ],
    [
      'depends on another, and is updated',
      { dependsOn: ['iam'] },
      stackSet('us-east-1', 'eu-west-1'),
      { operation: 'UPDATE' },
    ],
    ['is no stack set', {}, { type: 'CFN_STACK', regions: [] }, { kind: 'refuse' }],
  ] as const)('that %s', (_, own, present, operation) => {
    expect(operationOf({ ...request, ...own }, present)).toMatchObject(operation);
  });
});

describe('a stack set constraint', () => {
  const roles = { adminRoleArn: 'arn:aws:iam::1:role/admin', executionRole: 'execution' };
  const parameters = (AccountList: string[], RegionList: string[], AdminRole = roles.adminRoleArn) => ({
    Version: '2.0',
    Properties: { AccountList, RegionList, AdminRole, ExecutionRole: 'execution' },
  });
  const extended = (present: object | undefined, accounts: string[], regions: string[]): unknown =>
    JSON.parse(
      extendedConstraint(present === undefined ? undefined : JSON.stringify(present), { accounts, regions }, roles) ??
        'null',
    );

  test('is made with the roles of Control Tower, each account and region once', () => {
    expect(extended(undefined, ['1', '2', '1'], ['eu-west-1'])).toEqual(parameters(['1', '2'], ['eu-west-1']));
  });

  test('keeps what it has, also other roles', () => {
    const present = parameters(['1'], ['eu-west-1'], 'another');
    expect(extended(present, ['2'], ['eu-west-1'])).toEqual(parameters(['1', '2'], ['eu-west-1'], 'another'));
  });

  test('stays as it is where all is in it', () => {
    expect(extended(parameters(['1', '2'], ['eu-west-1']), ['2'], ['eu-west-1'])).toBeNull();
  });

  test('that is of no known form is not overwritten', () => {
    expect(() => extended({ Version: '1.0' }, ['1'], ['eu-west-1'])).toThrow();
  });
});
