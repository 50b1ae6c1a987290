import { describe, expect, test } from 'vitest';
import { type Condition, parseEncodedQuery } from './encoded-query.ts';

const equals = (field: string, value: string): Condition => ({ kind: 'compare', field, operator: '=', value });

describe('encoded query', () => {
  test('^OR binds to the condition before it and ^NQ joins whole groups', () => {
    expect(parseEncodedQuery('a=1^b=2^ORc=3^NQd=4').groups).toEqual([
      [[equals('a', '1')], [equals('b', '2'), equals('c', '3')]],
      [[equals('d', '4')]],
    ]);
  });

  test('an order may stand anywhere, also first, and in both directions', () => {
    const query = parseEncodedQuery('ORDERBYnumber^state=1^ORDERBYDESCsys_created_on');
    expect(query.groups).toEqual([[[equals('state', '1')]]]);
    expect(query.orderBy).toEqual([
      { field: 'number', descending: false },
      { field: 'sys_created_on', descending: true },
    ]);
  });

  test.each<[string, Condition]>([
    ['number=INC0010001', equals('number', 'INC0010001')],
    ['caller_id.email=a@b', equals('caller_id.email', 'a@b')],
    ['state!=7', { kind: 'compare', field: 'state', operator: '!=', value: '7' }],
    ['state<=3', { kind: 'compare', field: 'state', operator: '<=', value: '3' }],
    ['state>=3', { kind: 'compare', field: 'state', operator: '>=', value: '3' }],
    ['state<3', { kind: 'compare', field: 'state', operator: '<', value: '3' }],
    ['state>3', { kind: 'compare', field: 'state', operator: '>', value: '3' }],
    ['short_descriptionLIKEhot', { kind: 'compare', field: 'short_description', operator: 'contains', value: 'hot' }],
    [
      'short_descriptionNOT LIKEhot',
      { kind: 'compare', field: 'short_description', operator: 'not-contains', value: 'hot' },
    ],
    [
      'correlation_idSTARTSWITHsite/',
      { kind: 'compare', field: 'correlation_id', operator: 'starts-with', value: 'site/' },
    ],
    ['short_description*hot', { kind: 'compare', field: 'short_description', operator: 'contains', value: 'hot' }],
    [
      'short_descriptionCONTAINShot',
      { kind: 'compare', field: 'short_description', operator: 'contains', value: 'hot' },
    ],
    ['short_description!*hot', { kind: 'compare', field: 'short_description', operator: 'not-contains', value: 'hot' }],
    [
      'short_descriptionDOES NOT CONTAINhot',
      { kind: 'compare', field: 'short_description', operator: 'not-contains', value: 'hot' },
    ],
    ['number%7', { kind: 'compare', field: 'number', operator: 'ends-with', value: '7' }],
    ['short_description=*', equals('short_description', '*')],
    ['numberENDSWITH7', { kind: 'compare', field: 'number', operator: 'ends-with', value: '7' }],
    ['stateIN1,2', { kind: 'in', field: 'state', negated: false, values: ['1', '2'] }],
    ['stateNOT IN7,8', { kind: 'in', field: 'state', negated: true, values: ['7', '8'] }],
    ['close_codeISEMPTY', { kind: 'empty', field: 'close_code', negated: false }],
    ['close_codeISNOTEMPTY', { kind: 'empty', field: 'close_code', negated: true }],
    ['close_codeEMPTYSTRING', { kind: 'empty', field: 'close_code', negated: false }],
    ['stateANYTHING', { kind: 'anything', field: 'state' }],
    ['stateBETWEEN1@3', { kind: 'between', field: 'state', from: '1', to: '3' }],
    ['opened_bySAMEAScaller_id', { kind: 'same-as', field: 'opened_by', negated: false, other: 'caller_id' }],
    ['opened_byNSAMEAScaller_id', { kind: 'same-as', field: 'opened_by', negated: true, other: 'caller_id' }],
    ['descriptionLIKEtwo\nlines', { kind: 'compare', field: 'description', operator: 'contains', value: 'two\nlines' }],
  ])('%s is one condition', (text, condition) => {
    expect(parseEncodedQuery(text).groups).toEqual([[[condition]]]);
  });

  test.each(['stateABOUT1', 'Nonsense', 'stateBETWEEN1', 'state'])('%s is kept as invalid', (text) => {
    expect(parseEncodedQuery(text).groups).toEqual([[[{ kind: 'invalid', text }]]]);
  });

  test('empty parts and the end mark ^EQ mean nothing', () => {
    expect(parseEncodedQuery('')).toEqual({ groups: [], orderBy: [] });
    expect(parseEncodedQuery('^^a=1^^EQ').groups).toEqual([[[equals('a', '1')]]]);
  });
});
