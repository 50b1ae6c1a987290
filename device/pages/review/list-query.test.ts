import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breadcrumb, encodeListQuery, type Labels, parseListQuery, withSearch } from './list-query.ts';

const labels: Labels = {
  field: (name) => ({ active: 'Active', state: 'State', short_description: 'Short description' })[name] ?? name,
  value: (field, value) => (field === 'state' && value === '2' ? 'In Progress' : value),
};
const crumbs = (query: string) => breadcrumb(parseListQuery(query).conditions, labels);

describe('the filter of the list', () => {
  test.each([
    ['active=true', ['Active = true']],
    ['active=true^stateIN1,2^ORDERBYDESCnumber', ['Active = true', 'State is one of 1, In Progress']],
    ['state=2^ORstate=3^assigned_toISEMPTY', ['State = In Progress or State = 3', 'assigned_to is empty']],
    ['active=true^NQshort_descriptionLIKEa,b', ['Active = true', 'or else Short description contains a,b']],
    ['what is this', ['what is this']],
    ['', []],
  ])('%s is shown in words', (query, texts) => {
    expect(crumbs(query).map((crumb) => crumb.text)).toEqual(texts);
  });

  test('a crumb leads up to itself, or leaves alone with its alternatives', () => {
    const [, second] = crumbs('active=true^state=2^ORstate=3^numberLIKE7');
    expect(second).toMatchObject({
      upTo: ['active=true', 'state=2', 'ORstate=3'],
      without: ['active=true', 'numberLIKE7'],
    });
  });

  test('a group that has lost what stood before it stands alone', () => {
    expect(crumbs('active=true^NQstate=2')[0]?.without).toEqual(['state=2']);
  });

  test('order is taken out and put back last; any conditions come back as they were', () => {
    expect(parseListQuery('ORDERBYnumber^active=true').sort).toEqual({ key: 'number', descending: false });
    const condition = fc.stringMatching(/^(NQ|OR)?[a-z_]{1,9}(=|LIKE|!=)[a-z0-9 <>&"]{0,9}$/);
    fc.assert(
      fc.property(fc.array(condition), (conditions) => {
        const sort = { key: 'opened_at', descending: true };
        expect(parseListQuery(encodeListQuery({ conditions, sort }))).toEqual({ conditions, sort });
      }),
    );
  });
});

describe('a search beside the filter', () => {
  const any = (word: string) =>
    `numberLIKE${word}^ORshort_descriptionLIKE${word}^ORdescriptionLIKE${word}^ORcorrelation_idLIKE${word}`;

  test('is a clause of each group', () => {
    expect(withSearch('active=true^NQstate=2^ORDERBYnumber', 'pi')).toBe(
      `active=true^${any('pi')}^NQstate=2^${any('pi')}^ORDERBYnumber`,
    );
  });

  test('stands alone without a filter, and is nothing without words', () => {
    expect(withSearch('', 'pi')).toBe(any('pi'));
    expect(withSearch('active=true', ' ^ ')).toBe('active=true');
  });

  test('a caret does not smuggle conditions in', () => {
    expect(withSearch('active=true', 'a^NQb')).toBe(`active=true^${any('a')}^${any('NQb')}`);
  });
});
